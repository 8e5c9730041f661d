"""What a changed working tree adds to its commit, as a patch: with commit and patch a run's code can be laid out again.

The patch lies beside the ledger as `code.patch` and belongs to it: it is no output, it stands in no manifest, and it is
in no content key (what the code computes is, by its digest).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from scriptorium.masked import masked

NAME = "code.patch"
LARGEST = 1_000_000  # bytes of a patch that is kept
NAMED = 20  # files that are named where a patch is not kept
OURS = "workflow"  # new files are part of the code if they lie here, below the repository's root


def of(repository: Path) -> bytes:
    """The difference between the last commit and the working tree of a repository, new files of the package included.

    Empty where there is none. At most LARGEST + 1 bytes of it, masked. Raises OSError or SubprocessError if git fails.
    """
    with tempfile.TemporaryDirectory() as made:
        # an index of our own: git may note the new files there, and waits for no lock of another program
        environment = {**os.environ, "GIT_INDEX_FILE": str(Path(made, "index")), "GIT_OPTIONAL_LOCKS": "0"}
        index = Path(_git(repository, "rev-parse", "--absolute-git-dir").decode().strip(), "index")
        if index.exists():
            shutil.copy(index, environment["GIT_INDEX_FILE"])
        if (repository / OURS).is_dir():
            _git(repository, "add", "--intent-to-add", "--", OURS, environment=environment)
        words = ["git", "diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD"]
        with subprocess.Popen(
            words, cwd=repository, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            patch = process.stdout.read(LARGEST + 1)
            if len(patch) > LARGEST:
                process.kill()
            elif process.wait():
                raise subprocess.CalledProcessError(process.returncode, words)
    return patch


def keep(directory: Path, repository: Path) -> dict[str, Any]:
    """Write `directory/code.patch` where the working tree was changed. Returns what the ledger says of it.

    {} for an unchanged tree; else bytes, `masked` (secrets were taken out), or `left_out`: why there is no patch.
    """
    (directory / NAME).unlink(missing_ok=True)
    patch = of(repository)
    if not patch:
        return {}
    if len(patch) > LARGEST:
        changed = _git(repository, "diff", "--name-only", "HEAD").decode(errors="replace").splitlines()
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        reason = f"the difference from the commit is larger than {LARGEST / 1e6:.0f} MB"
        return {"patch": {"left_out": f"{reason}: {', '.join(changed[:NAMED])}{more}"}}
    text = patch.decode("utf-8", "surrogateescape")
    shown = masked(text)
    content = shown.encode("utf-8", "surrogateescape")
    (directory / NAME).write_bytes(content)
    return {"patch": {"bytes": len(content), "masked": shown != text}}


def _git(repository: Path, *words: str, environment: dict[str, str] | None = None) -> bytes:
    done = subprocess.run(["git", *words], cwd=repository, env=environment, capture_output=True, timeout=60, check=True)
    return done.stdout
