"""The one place where what the machine, or a model folder, does to a job becomes a sentence: disk full, no permission,
a read-only file system, too many open files, memory used up, a model that transformers cannot load.

Whatever stage it strikes, the error passes `stage.execute`, which asks here before it calls it a defect of ours.
"""

from __future__ import annotations

import errno
import os
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path

from scriptorium.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CLOSED, READ_ONLY, TOO_MANY = (errno.EACCES, errno.EPERM), (errno.EROFS,), (errno.EMFILE, errno.ENFILE)
NO_MEMORY = (errno.ENOMEM,)
KNOWN = {*FULL, *CLOSED, *READ_ONLY, *TOO_MANY, *NO_MEMORY}
# What libraries say who hide the number: sqlite, safetensors, pyarrow, HDF5, torch
SAID = {
    "disk is full": errno.ENOSPC,
    "no space left": errno.ENOSPC,
    "quota exceeded": errno.EDQUOT,
    "permission denied": errno.EACCES,
    "read-only file system": errno.EROFS,
    "readonly database": errno.EROFS,
    "too many open files": errno.EMFILE,
    "can't allocate memory": errno.ENOMEM,
    "out of memory": errno.ENOMEM,
}
AGAIN = "run snakemake again: it goes on"


def explained(error: BaseException, out: Path) -> UserError | None:
    """The sentence for an error that is not ours, or None. out: the run's folder, whose disk is looked at."""
    if isinstance(error, UserError):
        return None
    for each in _chain(error):
        number = each.errno if isinstance(each, OSError) else None
        if isinstance(each, MemoryError):
            number = errno.ENOMEM
        if number is None or number not in KNOWN:
            text = str(each).lower()[:2000]
            number = next((known for said, known in SAID.items() if said in text), None)
        if number is not None:
            return _of_the_machine(number, _place(each, out), out)
    return _of_a_model(error)


def _of_the_machine(number: int, place: Path, out: Path) -> UserError:
    said = os.strerror(number)
    if number in FULL:
        free = _free(place if place.exists() else place.parent)
        return UserError(
            f"the disk refuses to write ({said}): {free}",
            where=place,
            remedy=f"make room, then {AGAIN}. Finished runs and the saved state of this one are kept",
        )
    if number in READ_ONLY:
        return UserError(
            f"this file system can only be read ({said})",
            where=place,
            remedy=f"mount it for writing, or move the project's folder; then {AGAIN}",
        )
    if number in TOO_MANY:
        return UserError(
            f"too many files are open at once ({said}); the limit is {_limit()}",
            where=place,
            remedy=f"raise the limit (ulimit -n 65536), or give the job fewer workers; then {AGAIN}",
        )
    if number in NO_MEMORY:
        return UserError(
            "the memory of the machine, of the job or of its GPU is used up",
            where=out,
            remedy="give the job more (mem, or a larger GPU, below `resources:`), or let it hold fewer examples at "
            f"once (docs/running.md, Memory); then {AGAIN}",
        )
    return UserError(
        f"this may not be read or written ({said})",
        where=place,
        remedy=f"correct its permissions (ls -ld {place}), then {AGAIN}",
    )


def _of_a_model(error: BaseException) -> UserError | None:
    """For what was raised inside `from_pretrained`, by whichever library it calls."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "from_pretrained" and "transformers" in frame.f_code.co_filename:
            values = frame.f_locals
            folder = values.get("pretrained_model_name_or_path") or next(iter(values.get("inputs", ())), None)
            said = str(error).strip().partition("\n")[0][:300] or type(error).__name__
            return UserError(
                f"cannot be read as a model or its tokenizer: {said}",
                where=folder or "a model folder",
                remedy="give a folder that `save_pretrained` of transformers wrote, whole, of a known architecture",
            )
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it was raised from."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


def _place(error: BaseException, out: Path) -> Path:
    name = getattr(error, "filename2", None) or getattr(error, "filename", None)
    return Path(os.fsdecode(name)) if isinstance(name, str | bytes) and name else out


def _free(place: Path) -> str:
    try:
        return f"{shutil.disk_usage(place).free} bytes are free"
    except OSError:
        return "how much is free is not known"


def _limit() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
