"""JSON of others: what Python's parser takes, or stumbles over, and no data set means."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from scriptorium.errors import UserError

REMEDY = "fetch or copy the file again, or mend it there"


def parse(text: str, where: str, *, one_line: bool = False, remedy: str = REMEDY) -> Any:
    """The value. where: the file; one_line: the file and the line, of which `text` is the whole.

    Raises UserError with the place: not JSON, nested too deep, a number of thousands of digits or that is none (NaN),
    half of a surrogate pair (an emoji that was cut in two).
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        place = where if one_line else f"{where}, line {error.lineno}, column {error.colno}"
        column = f" at column {error.colno}" if one_line else ""
        raise UserError(f"not JSON: {error.msg}{column}", where=place, remedy=remedy) from None
    except RecursionError:
        raise UserError("JSON that is nested too deep to be read", where=where, remedy=remedy) from None
    except ValueError as error:  # more digits than Python turns into a number, or no number
        raise UserError(f"a number that cannot be read: {error}", where=where, remedy=remedy) from None
    if "\\u" in text:
        _check_characters(value, where)
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is none in JSON")


def _check_characters(value: Any, where: str) -> None:
    """A lone surrogate can stand in JSON's escapes, but in no UTF-8 file, and so in no result of ours."""
    todo = [((), value)]
    while todo:
        keys, own = todo.pop()
        if isinstance(own, dict):
            todo += [((*keys, key), each) for key, each in own.items()] + [((*keys, "a key"), key) for key in own]
        elif isinstance(own, list):
            todo += [((*keys, number), each) for number, each in enumerate(own)]
        elif isinstance(own, str):
            try:
                own.encode()
            except UnicodeEncodeError as error:
                shown = own[max(error.start - 40, 0) : error.end + 20].encode("ascii", "backslashreplace").decode()
                raise UserError(
                    f"half of a surrogate pair, such as an emoji that was cut in two: {shown}",
                    where=", ".join((where, " ".join(map(str, keys)))) if keys else where,
                    remedy="write the whole character in its place, or U+FFFD where it is lost",
                ) from None
