"""A packing that is stopped or killed tokenises no part of the text twice, and ends with the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from scriptorium import manifest
from scriptorium.errors import Interrupted
from scriptorium.job import Impl
from scriptorium.stage import execute
from scriptorium.stages import pack
from scriptorium.text import kept_tokens, packing
from tests import lines, tiny

LAYOUTS = [None, {"name": "full-sentences"}, {"name": "sentence-pairs", "copies": 2}]


@pytest.fixture
def artifacts(tmp_path, monkeypatch):
    """A corpus of lines and a backbone with their manifests; a part has about ten documents."""
    monkeypatch.setattr(kept_tokens, "CHARACTERS_PER_PART", 2_000)
    return lines.write(tmp_path, lines.texts())


class Counted:
    """tokenise, which counts its calls and fails at one of them."""

    def __init__(self, monkeypatch, fails: int = 0):
        self.calls, self.fails, self.real = 0, fails, packing.tokenise
        monkeypatch.setattr(kept_tokens, "tokenise", self)

    def __call__(self, *arguments, **settings):
        self.calls += 1
        if self.calls == self.fails:
            raise KeyboardInterrupt
        return self.real(*arguments, **settings)


def packed(tmp_path, name: str, artifacts, layout):
    execute(
        "pack",
        pack.PackSpec.parse({"block_length": 32, **({"layout": layout} if layout else {})}),
        pack.run,
        out=tmp_path / name,
        inputs=artifacts,
        state=tmp_path / f"state-{name}",
    )
    return [entry["sha256"] for entry in manifest.read(tmp_path / name)["files"]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_killed_packing_goes_on_behind_its_last_part_and_ends_with_the_same_bytes(
    tmp_path, monkeypatch, artifacts, layout
):
    whole = Counted(monkeypatch)
    expected = packed(tmp_path, "whole", artifacts, layout)
    assert whole.calls > 5
    with monkeypatch.context() as patched:
        killed = Counted(patched, fails=4)
        with pytest.raises(KeyboardInterrupt):
            packed(tmp_path, "again", artifacts, layout)
    rest = Counted(monkeypatch)
    assert packed(tmp_path, "again", artifacts, layout) == expected
    assert killed.calls - 1 + rest.calls == whole.calls, "no part is tokenised twice"
    assert not list((tmp_path / "state-again").rglob("tokens*")), "kept tokens go with the job"


def test_a_packing_that_is_asked_to_stop_stops_between_two_parts(tmp_path, monkeypatch, artifacts):
    expected = packed(tmp_path, "whole", artifacts, None)
    asked = iter(range(100))
    with monkeypatch.context() as patched:
        patched.setattr(Impl, "stop_reason", lambda self: "asked" if next(asked) == 3 else None)
        with pytest.raises(Interrupted, match="asked; 2 parts of train are tokenised"):
            packed(tmp_path, "again", artifacts, None)
    assert packed(tmp_path, "again", artifacts, None) == expected


def test_kept_tokens_are_those_that_the_tokenizer_gives(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_tokens, "CHARACTERS_PER_PART", 300)
    texts = ["word1 word2\nword3", "", "  ", "word4", *(" ".join(["word5"] * n) for n in range(90))]
    for tokenizer in (tiny.tokenizer(), tiny.tokenizer(words=[*tiny.WORDS, *(f"x{n}" for n in range(1 << 16))])):
        job = type("Job", (), {"impl": Impl(), "state": tmp_path / str(len(tokenizer))})()
        for by_line in (False, True):
            kept = kept_tokens.KeptTokens(job, tokenizer)
            plain = list(packing.tokenise(texts, tokenizer, by_line=by_line))
            for _ in range(2):  # made, and read again
                found = list(kept.of(f"texts-{by_line}", texts, by_line=by_line))
                assert len(found) == len(plain)
                for ours, theirs in zip(found, plain, strict=True):
                    assert [run.tolist() for run in ours] == [run.tolist() for run in theirs]
                    assert all(run.dtype == np.int32 for run in ours)
        assert {int(path.stem[-6:]) for path in job.state.rglob("*.npz")} >= {0, 1, 2}
