"""The two MATLAB file formats of ZuCo as one thing: a list of sentences, each a text and its words' fields.

ZuCo 1.0 is stored as version 5 (scipy reads it), ZuCo 2.0 as version 7.3, which is HDF5 (h5py reads it);
docs/papers/cogbert.md sections 9.1 and 9.2.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from scriptorium.errors import UserError, nearest
from scriptorium.files.damage import reading

VARIABLE = "sentenceData"


def sentences(path: Path, fields: tuple[str, ...]) -> Iterator[tuple[str, list[dict[str, Any]] | None]]:
    """(content, words) of every sentence: words are dicts {content: text, field: number}, None where there is none.

    An empty field is 0: the word was not fixated. Raises UserError for another file format or a missing field.
    """
    import h5py

    with path.open("rb") as handle:
        header = handle.read(128)
    with reading(path, "MATLAB data", "download the file again and compare its size"):
        if h5py.is_hdf5(path):
            yield from _version_7(path, fields)
        elif header.startswith(b"MATLAB 5.0"):
            yield from _in_own_process(path, fields)
        else:
            raise UserError(
                f"neither a MATLAB 5 nor a MATLAB 7.3 file (it begins {header[:12]!r})",
                where=path,
                remedy="give the release's results<PARTICIPANT>_<TASK>.mat, complete",
            )


def number(value: Any, where: str) -> float:
    """One number of a field; empty and NaN are 0 (not fixated). Raises UserError for anything else."""
    values = np.asarray(value).ravel()
    if values.size == 0:
        return 0.0
    if values.size > 1 or not np.issubdtype(values.dtype, np.number) or values[0] < 0:
        raise UserError(
            f"is {values[:3].tolist()}, not one number of at least 0",
            where=where,
            remedy="give one number per word, or an empty field if it was not fixated",
        )
    return 0.0 if np.isnan(values[0]) else float(values[0])


def _missing(field: str, names: Any, where: str) -> UserError:
    return UserError(
        f"field {field!r} is missing, {nearest(field, map(str, names))}",
        where=where,
        remedy="give the release's own files (nFixations, FFD, GD, GPT, TRT per word)",
    )


def _in_own_process(path: Path, fields: tuple[str, ...]) -> list[tuple[str, list[dict[str, Any]] | None]]:
    """`_version_5`, since scipy ends the process where a damaged file leads it out of its memory."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        try:
            return pool.submit(_all_of_version_5, path, fields).result()
        except BrokenProcessPool:
            raise ValueError("it is damaged, and ends the program that reads it") from None


def _all_of_version_5(path: Path, fields: tuple[str, ...]) -> list[tuple[str, list[dict[str, Any]] | None]]:
    from scipy.io.matlab import MatReadError

    try:
        return list(_version_5(path, fields))
    except MatReadError as error:
        raise ValueError(str(error)) from None


def _version_5(path: Path, fields: tuple[str, ...]) -> Iterator[tuple[str, list[dict[str, Any]] | None]]:
    from scipy.io import loadmat

    data = loadmat(path, variable_names=[VARIABLE], squeeze_me=False, struct_as_record=True)
    if VARIABLE not in data:
        raise _missing(VARIABLE, [name for name in data if not name.startswith("__")], str(path))
    table = data[VARIABLE].ravel()
    for field in ("content", "word"):
        if field not in (table.dtype.names or ()):
            raise _missing(field, table.dtype.names or (), f"{path}, {VARIABLE}")
    for index, record in enumerate(table):
        content, words = _text_5(record["content"]), record["word"]
        if words.dtype.names is None:  # NaN or empty: this participant did not read the sentence
            yield content, None
            continue
        where = f"{path}, sentence {index + 1}"
        for field in ("content", *fields):
            if field not in words.dtype.names:
                raise _missing(field, words.dtype.names, where)
        cells = [{"content": _text_5(word["content"])} for word in words.ravel()]
        for at, word in enumerate(words.ravel()):
            cells[at] |= {field: number(word[field], f"{where}, word {at + 1}, {field}") for field in fields}
        yield content, cells


def _text_5(value: np.ndarray) -> str:
    return "".join(map(str, np.asarray(value).ravel())) if np.asarray(value).dtype.kind in "US" else ""


def _version_7(path: Path, fields: tuple[str, ...]) -> Iterator[tuple[str, list[dict[str, Any]] | None]]:
    import h5py

    with h5py.File(path, "r") as file:
        if VARIABLE not in file:
            raise _missing(VARIABLE, [name for name in file if not name.startswith("#")], str(path))
        table = file[VARIABLE]
        for field in ("content", "word"):
            if field not in table:
                raise _missing(field, table, f"{path}, {VARIABLE}")
        contents, words = _cells(file, table["content"]), _cells(file, table["word"])
        for index, (content, word) in enumerate(zip(contents, words, strict=True)):
            if not isinstance(word, h5py.Group):
                yield _text_7(content), None
                continue
            where = f"{path}, sentence {index + 1}"
            for field in ("content", *fields):
                if field not in word:
                    raise _missing(field, word, where)
            cells = [{"content": _text_7(item)} for item in _cells(file, word["content"])]
            for field in fields:
                for at, item in enumerate(_cells(file, word[field])):
                    cells[at][field] = number(_array_7(item), f"{where}, word {at + 1}, {field}")
            yield _text_7(content), cells


def _cells(file: Any, item: Any) -> list[Any]:
    """What a struct array's field holds: references, or the thing itself where the array has one element."""
    import h5py

    if isinstance(item, h5py.Group) or not h5py.check_ref_dtype(item.dtype):
        return [item]
    return [file[reference] for reference in np.asarray(item).ravel()]


def _array_7(item: Any) -> np.ndarray:
    return np.zeros(0) if item.attrs.get("MATLAB_empty", 0) else np.asarray(item)


def _text_7(item: Any) -> str:
    codes = _array_7(item)
    return "".join(map(chr, codes.ravel(order="F"))) if codes.dtype.kind == "u" else ""
