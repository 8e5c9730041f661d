"""Which files a report shows: what is asked for, and what the same jobs make for the report beside it.

Snakemake makes a job again for a file that is asked for, and not for one that merely lies beside it; so a figure that
was deleted is asked for as well as its table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def shown(rules: Iterable[Any], paths: Sequence[str]) -> list[str]:
    """`paths`, and all outputs that a rule marks for the report where it makes one of them. rules: Snakemake's own."""
    found = dict.fromkeys(paths)
    rules = [rule for rule in rules if any("report" in output.flags for output in rule.output)]
    for path in paths:
        for rule in rules:
            matches = [match for output in rule.output if (match := output.match(path))]
            if matches:
                values = matches[0].groupdict()
                beside = (output.apply_wildcards(values) for output in rule.output if "report" in output.flags)
                found |= dict.fromkeys(map(str, beside))
    return list(found)
