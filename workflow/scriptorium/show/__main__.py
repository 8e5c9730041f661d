"""A picture of a pre-training objective on a sentence: what is hidden, what sees what, what is predicted.

    python -m scriptorium.show mpnet "The monk copied the book." --out mpnet.svg
    python -m scriptorium.show veco "The monk copied the book." --pair "Der Mönch schrieb das Buch ab."
    python -m scriptorium.show bert --set rate=0.4 --set masking.whole_words=true

It is made from the example and the batch that training would get, and who sees what is asked of a small model with
random weights (docs/objectives.md). No results are needed, and no network.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from scriptorium.errors import UserError
from scriptorium.show.spec import ShowSpec
from scriptorium.spec import overlay

KINDS = (".svg", ".png", ".pdf", ".txt")


def main(words: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with a message where the input is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m scriptorium.show", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("objective", nargs="?", help="such as bert; left out with --all")
    parser.add_argument("text", nargs="?", help="a sentence; left out: one of ours")
    parser.add_argument("--pair", help="its translation, or what follows it, or another document of the same block")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the objective")
    parser.add_argument("--seed", type=int, default=0, help="of what is hidden")
    parser.add_argument("--vocabulary", type=Path, help="folder of a tokenizer; left out: every word is a token")
    parser.add_argument("--out", type=Path, help=f"file ({', '.join(KINDS)}); left out: as text, here")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="all objectives on sentences of ours, as SVG")
    try:
        return _made(parser, parser.parse_args(words))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _made(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if bool(arguments.all) == bool(arguments.objective):
        parser.error("name an objective, or give --all and a folder")
    if arguments.out and arguments.out.suffix not in KINDS:
        raise UserError(
            f"no picture of the kind {arguments.out.suffix!r}", where=arguments.out, remedy=", ".join(KINDS)
        )
    if arguments.all:
        wanted = {arguments.all / f"{name}.svg": spec for name, spec in ShowSpec.examples().items()}
    else:
        if arguments.pair and not arguments.text:
            raise UserError("--pair stands beside a text", remedy="give the sentence, too")
        texts = tuple(text for text in (arguments.text, arguments.pair) if text is not None)
        wanted = {
            arguments.out: ShowSpec.of({"name": arguments.objective, **settings(arguments.set)}, texts, arguments.seed)
        }
    from scriptorium.show import drawing, picture
    from scriptorium.text.plain import as_text
    from scriptorium.text.tokenizers import load_tokenizer

    vocabulary = as_text(load_tokenizer(arguments.vocabulary)) if arguments.vocabulary else None
    for path, spec in wanted.items():
        made = picture.of(spec, vocabulary)
        if path is None:
            print(made.as_text(), end="")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text(made.as_text(), encoding="utf-8")
        else:
            drawing.draw(made, path)
        print(path)
    return 0


def settings(given: Sequence[str]) -> dict[str, Any]:
    """Settings of an objective from KEY=VALUE, where a key may be a path, such as noise.rate. Raises UserError."""
    found: dict[str, Any] = {}
    for each in given:
        key, sign, text = each.partition("=")
        if not sign or not key:
            raise UserError(f"{each!r} is no setting", where="--set", remedy="write it as rate=0.3 or noise.rate=0.3")
        value = yaml.safe_load(text)
        for part in reversed(key.split(".")):
            value = {part: value}
        found = overlay(found, value)
    return found


if __name__ == "__main__":
    sys.exit(main())
