"""The one place where what a library says of a damaged file becomes our error: this file cannot be read."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from scriptorium.errors import UserError
from scriptorium.files import stand_ins

# The machine's fault and not the file's: stage.py says what to do about them
OF_THE_MACHINE = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOMEM)
)
GET_IT_AGAIN = "the file may be cut off or damaged: get it again"


@contextlib.contextmanager
def reading(where: Path | str, what: str = "", remedy: str = GET_IT_AGAIN) -> Iterator[None]:
    """Inside, whatever a library raises at the bytes of a file becomes one UserError that names the file.

    what: such as "parquet" or "an Excel workbook", which the file should be. Only calls of libraries that decode belong
    inside, because nothing else can be told from damage: at damaged files they raise nearly every class of error. A
    UserError passes, since it knows more.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            raise
        if isinstance(where, Path):
            stand_ins.check_file(where)
        said = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        problem = f"cannot be read as {what}: {said}" if what else f"cannot be read: {said}"
        raise UserError(problem, where=where, remedy=remedy) from None
