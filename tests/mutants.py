"""Breaks one thing at a time in the core modules, in a scratch copy of the package, and sees whether a test notices.

    python -m tests.mutants                   # all fifty, about a quarter of an hour
    python -m tests.mutants --module digest   # ten of them

A mutant is a text of the module and what stands there instead. It is killed if one of the module's test files fails
with it. Exit code 1 if one is not: then a test is missing, or the mutant never ends and shows nothing. A change of a
core module that takes a text away needs another mutant in its place (tests/unit/test_mutants.py sees to it).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "workflow/scriptorium"
SECONDS = 600  # for the tests of one mutant
KILLED, SURVIVED, NO_END = "killed", "SURVIVED", "DOES NOT END"


@dataclass(frozen=True)
class Mutant:
    """One defect: `old`, which stands once in the module, becomes `new`."""

    defect: str
    old: str
    new: str


@dataclass(frozen=True)
class Core:
    """A module, the test files that answer for it, and ten defects that they must notice."""

    path: str
    tests: tuple[str, ...]
    mutants: tuple[Mutant, ...]


CORES = {
    "ledger": Core(
        "ledger.py",
        ("tests/unit/test_ledger.py",),
        (
            Mutant("a finished run is continued", ' or before["status"] == FINISHED', ""),
            Mutant(
                "a second attempt counts as the first", 'before["attempt"] + 1, before', 'before["attempt"], before'
            ),
            Mutant("events wait in a buffer", "            self._events.flush()\n", ""),
            Mutant("an event goes on in a line that was cut off", "if cut_off:", "if False:"),
            Mutant("a resume forgets the step it goes on from", 'get("step", 0) <= step', 'get("step", 0) < step'),
            Mutant("secrets stand in run.json", "shown = masked(", "shown = ("),
            Mutant("secrets stand in events.jsonl", "return masked(json.dumps(event", "return (json.dumps(event"),
            Mutant("no bytes are kept for the last words", '(b"\\1" * RESERVED)', '(b"")'),
            Mutant("the kept bytes stay after the end", "        self.make_room()\n", ""),
            Mutant("a clean working tree is called dirty", '"dirty": bool(', '"dirty": not bool('),
        ),
    ),
    "digest": Core(
        "digest.py",
        ("tests/unit/test_digest.py",),
        (
            Mutant(
                "the name of a module does not count",
                'f"{name} {source(_file(name)).tree}\\n"',
                'f"{source(_file(name)).tree}\\n"',
            ),
            Mutant(
                "only the first module counts, not those that a specification names",
                "in closure(*modules)",
                "in closure(modules[0])",
            ),
            Mutant("the order is that of a set", "return tuple(sorted(seen))", "return tuple(seen)"),
            Mutant("bookkeeping reruns everything", "name in BOOKKEEPING or ", ""),
            Mutant("a new field of a specification reruns everything", ' or SPECIFICATION in name.split(".")', ""),
            Mutant("modules with spec in their name are left out", 'in name.split(".")\n', "in name\n"),
            Mutant("what imported modules import is left out", "todo += _imports(name)", "todo += []"),
            Mutant("packages around an imported module are left out", "sorted(ours | parents)", "sorted(ours)"),
            Mutant(
                "a package is no module",
                '(base.with_suffix(".py"), base / "__init__.py")',
                '(base.with_suffix(".py"),)',
            ),
            Mutant(
                "another package whose name begins like ours is ours",
                '.split(".")[0] == "scriptorium"',
                '.startswith("scriptorium")',
            ),
        ),
    ),
    "statistics": Core(
        "evaluation/statistics.py",
        ("tests/unit/test_statistics.py",),
        (
            Mutant(
                "the variance over examples is divided by n",
                "contrast.var(axis=-1, ddof=1)",
                "contrast.var(axis=-1, ddof=0)",
            ),
            Mutant("seeds that differ by less than chance take nothing", "np.maximum(seeds, left)", "seeds"),
            Mutant("the rest is counted twice", "np.maximum(examples - left, 0)", "examples"),
            Mutant("the rest has too many degrees of freedom", "((seeds - 1) * (n - 1))", "(seeds * n)"),
            Mutant("paired seeds count as twice as many", "(1 if self.paired else 2)", "2"),
            Mutant(
                "the smallest effect has the wrong direction",
                "(1 if lower_better else -1)",
                "(-1 if lower_better else 1)",
            ),
            Mutant("the larger number of seeds stands for both", "fewest = min(", "fewest = max("),
            Mutant("what was not tested is in Holm's family", "np.count_nonzero(~np.isnan(values))", "len(values)"),
            Mutant("equal seeds have one degree of freedom", "counts.sum() - len(counts)", "1"),
            Mutant("p is one-sided", "np.exp(middle) / 2", "np.exp(middle)"),
        ),
    ),
    "masking": Core(
        "objectives/masking.py",
        ("tests/numerics/test_masking.py", "tests/numerics/test_masking_statistics.py"),
        (
            Mutant("a short text predicts nothing", "count = max(1,", "count = max(0,"),
            Mutant("the count is cut and not rounded", "count = max(1, round(", "count = max(1, int("),
            Mutant(
                "the largest count is ignored", "return count if most is None else min(count, most)", "return count"
            ),
            Mutant("a position is drawn twice", "replace=False", "replace=True"),
            Mutant("fewer candidates than the count are an error", "min(count, len(candidates))", "count"),
            Mutant("a word that just fits is left out", "<= count:", "< count:"),
            Mutant("words are taken in their order", "generator.permutation(len(words))", "range(len(words))"),
            Mutant(
                "a word that a block begins with goes on with [CLS]", "    first[1:] |= special[input_ids[:-1]]\n", ""
            ),
            Mutant("one random token for all of a block", "size=len(tokens))", "size=1)"),
            Mutant("tokens become wider numbers", ".astype(tokens.dtype)", ""),
        ),
    ),
    "packing": Core(
        "text/packing.py",
        ("tests/unit/test_packing.py", "tests/numerics/test_bert_pairs.py"),
        (
            Mutant("[SEP] in a text ends a document", "encode_special_tokens = True", "encode_special_tokens = False"),
            Mutant("a tokenizer's limit cuts documents", "    core.no_truncation()\n", ""),
            Mutant("a tokenizer's padding is text", "    core.no_padding()\n", ""),
            Mutant("ends of lines are pieces", '[text.replace("\\n", " ")]', "[text]"),
            Mutant(
                "the caller's tokenizer is changed",
                "tokenizers.Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())",
                "tokenizer.backend_tokenizer",
            ),
            Mutant("sentences are not told by rules", 'layout.sentences == "rules"', "False"),
            Mutant("held-out text is laid out as training text", 'held_out=split == "validation"', "held_out=False"),
            Mutant("a long line is torn where it was cut", "if end != INSIDE:", "if True:"),
            Mutant(
                "threads mix up the documents",
                "yield waiting.popleft().result()\n        while",
                "yield waiting.pop().result()\n        while",
            ),
            Mutant("the remedy is lost", "remedy=error.remedy", "remedy=None"),
        ),
    ),
}


def copied(scratch: Path) -> Path:
    """A copy of the package below `scratch`, which goes on PYTHONPATH."""
    package = scratch / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def mutated(sound: str, mutant: Mutant) -> str:
    """The module's text with the defect. Raises ValueError if the old text does not stand there exactly once."""
    if sound.count(mutant.old) != 1:
        raise ValueError(f"{mutant.defect}: {mutant.old!r} stands {sound.count(mutant.old)} times in the module")
    return sound.replace(mutant.old, mutant.new)


def outcome(package: Path, path: str, text: str, tests: tuple[str, ...]) -> str:
    """KILLED, SURVIVED or NO_END: the tests, where the module at `path` of the copy reads `text`. It is put back."""
    module = package / path
    sound = module.read_text(encoding="utf-8")
    _write(module, text)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return NO_END
    finally:
        _write(module, sound)
    if done.returncode not in (0, 1, 2):  # 1: a test failed, 2: the module cannot even be imported
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return KILLED if done.returncode else SURVIVED


def _write(module: Path, text: str) -> None:
    """Without a compiled file, which may look as if it were of this text: of the same second and size."""
    Path(importlib.util.cache_from_source(str(module))).unlink(missing_ok=True)
    module.write_text(text, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--module", choices=CORES, help="mutants of this module alone")
    arguments = parser.parse_args()
    left = 0
    with tempfile.TemporaryDirectory() as scratch:
        package = copied(Path(scratch))
        for name in [arguments.module] if arguments.module else CORES:
            core = CORES[name]
            sound = (package / core.path).read_text(encoding="utf-8")
            if outcome(package, core.path, sound, core.tests) != SURVIVED:
                print(f"{name}: its tests fail without any mutant: {' '.join(core.tests)}")
                return 2
            for mutant in core.mutants:
                found = outcome(package, core.path, mutated(sound, mutant), core.tests)
                print(f"{name}\t{found}\t{mutant.defect}", flush=True)
                left += found != KILLED
    print(f"{left} not killed")
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main())
