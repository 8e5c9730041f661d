"""Licences and known vulnerabilities of what is installed here: `make packages`.

Prints every package with its licence. Exit code 1: a licence that nobody has looked at, packages that do not fit
together, or a known vulnerability. pip-audit knows vulnerabilities, if it is installed and reaches its data; if not,
this is said, with the date of the last audit.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

PINS = Path(__file__).resolve().parents[1] / "envs/constraints.txt"
AUDITED = None  # the day on which pip-audit last saw every pin, as 2026-11-30

# Licences that ask for no more than their text beside a copy, or (MPL) for changes of the package itself
FREE = {
    *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0"),
    *("CNRI-Python", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib"),
    # as classifiers and older fields spell them
    *("3-Clause BSD License", "Apache 2.0 License", "Apache Software License", "BSD License", "ISC License (ISCL)"),
    *("MIT License", "Mozilla Public License 2.0 (MPL 2.0)", "Python Software Foundation License"),
}
# Others, with the reason for which they are here; a name that ends in * stands for all that begin so
EXCEPTIONS = {
    "conda-inject": "MIT by its licence file; its metadata say nothing",
    "cuda-*": "CUDA libraries that torch's build for GPUs brings along; nothing of ours is linked with them",
    "docutils": "public domain, BSD and PSF; GPL is its Emacs mode alone, which is not installed",
    "huey": "MIT by its licence file; its metadata say nothing",
    "locate": "MIT by its licence file; its metadata say `other`",
    "nvidia-*": "CUDA libraries that torch's build for GPUs brings along; nothing of ours is linked with them",
    "skops": "MIT by its licence file; its metadata say nothing",
    "snakemake-interface-*": "MIT by their licence files; their metadata say nothing",
}


def licence(about: metadata.PackageMetadata) -> str:
    """As the package's metadata say it: an expression, else its classifiers, else the first line of a free text."""
    if expression := about.get("License-Expression"):
        return expression
    classifiers = [each.split(" :: ")[-1] for each in about.get_all("Classifier", []) if each.startswith("License ::")]
    named = [each for each in classifiers if each != "OSI Approved"]
    return " AND ".join(named) or next(iter((about.get("License") or "").strip().splitlines()), "")


def is_free(expression: str) -> bool:
    """Whether an expression of free licences with AND and OR (not nested: nobody writes so) is free."""
    ways = re.split(r"\s+OR\s+", expression)
    return any(all(each.strip() in FREE for each in re.split(r"\s+AND\s+", way)) for way in ways)


def exception(name: str) -> str | None:
    """The reason for which a package is here whatever its licence."""
    name = re.sub(r"[-_.]+", "-", name).lower()
    for pattern, reason in EXCEPTIONS.items():
        if name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])):
            return reason
    return None


def unknown(packages: Iterable[metadata.PackageMetadata], say: Callable[[str], object] = print) -> list[str]:
    """Say every package's licence; returns those that are neither free nor excepted."""
    found = {about["Name"]: licence(about) for about in packages}
    for name, own in sorted(found.items(), key=lambda item: item[0].lower()):
        say("\t".join([name, own or "nothing", *filter(None, [None if is_free(own) else exception(name)])]))
    return [f"{name}: {own or 'nothing'}" for name, own in found.items() if not is_free(own) and not exception(name)]


def vulnerabilities() -> list[str]:
    """Known ones of the pinned versions. Raises LookupError, saying why, if they cannot be known here."""
    if importlib.util.find_spec("pip_audit") is None:
        raise LookupError("pip-audit is not installed (pip install pip-audit)")
    words = ["--requirement", str(PINS), "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run([sys.executable, "-m", "pip_audit", *words], capture_output=True, text=True, check=False)
    try:
        audited = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        raise LookupError(f"pip-audit does not reach its data: {done.stderr.strip()[-200:]}") from None
    return read_audit(audited)


def read_audit(audited: list[dict]) -> list[str]:
    """What pip-audit found. Raises LookupError if it left packages out, which it does without an error of its own."""
    if left_out := [each["name"] for each in audited if "skip_reason" in each]:
        raise LookupError(f"pip-audit has no data of {len(left_out)} of {len(audited)} packages, such as {left_out[0]}")
    return [f"{each['name']} {each['version']}: {own['id']}" for each in audited for own in each["vulns"]]


def main() -> int:
    wrong = [f"a licence to look at: {each}" for each in unknown(found.metadata for found in metadata.distributions())]
    fit = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    wrong += fit.stdout.splitlines() if fit.returncode else []
    try:
        wrong += [f"known vulnerability: {each}" for each in vulnerabilities()]
    except LookupError as error:
        print(f"vulnerabilities: not audited now, {error}; last audit: {AUDITED or 'never'}")
    print("\n".join(wrong) or "licences are known, packages fit together")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
