"""Proves that no code of a model folder ever runs, and that a faulty folder is told before the long work."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.fetching.spec import FetchSpec
from scriptorium.model_folders import check_folder, check_inputs
from scriptorium.stage import execute
from scriptorium.stages import fetch
from tests import tiny

EVIL = """
import pathlib
pathlib.Path(__file__).with_name("PWNED").write_text("code of a model folder ran")
from transformers import BertConfig
class EvilConfig(BertConfig):
    model_type = "evil"
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A sound folder: a tiny BERT with its tokenizer."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    tokenizer = tiny.tokenizer()
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    transformers.BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path) -> Path:
    """A copy that a test may damage, as `fetch` would have left it."""
    return Path(shutil.copytree(saved, tmp_path / "resources/model"))


def settings(folder: Path, **changes) -> None:
    path = folder / "config.json"
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in values.items() if value is not None}))


def weights(folder: Path, change) -> None:
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def evil(folder: Path) -> None:
    settings(folder, model_type="evil", auto_map={"AutoConfig": "configuration_evil.EvilConfig"})
    (folder / "configuration_evil.py").write_text(EVIL)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
FAULTS = {
    "no settings": (lambda f: (f / "config.json").write_text("{}"), "config.json: has no `model_type`"),
    "a list": (lambda f: (f / "config.json").write_text("[1]"), "config.json: has no `model_type`"),
    "no JSON": (lambda f: (f / "config.json").write_text("{'a"), "config.json, line 1, column 2: not JSON"),
    "not UTF-8": (lambda f: (f / "config.json").write_bytes(b'{"a": "\xff"}'), "config.json: cannot be read as UTF-8"),
    "pointer settings": (lambda f: (f / "config.json").write_bytes(POINTER), "config.json: a pointer of Git LFS"),
    "pointer weights": (lambda f: (f / "model.safetensors").write_bytes(POINTER), "safetensors: a pointer of Git LFS"),
    "pointer tokenizer": (
        lambda f: (f / "tokenizer.json").write_bytes(POINTER),
        "tokenizer.json: a pointer of Git LFS",
    ),
    "page": (lambda f: (f / "config.json").write_text("<!DOCTYPE html><html>404"), "config.json: a web page"),
    "unknown": (lambda f: settings(f, model_type="brt"), "model_type 'brt' is an architecture that .*'bert'"),
    "code": (evil, "model_type 'evil' .*brings code of its own, which is never run"),
    "wrong type": (lambda f: settings(f, model_type="gpt2"), "its weights are not those of a gpt2"),
    "wrong size": (lambda f: settings(f, hidden_size=32), r"word_embeddings.weight has the shape \[100, 16\]"),
    "odd size": (lambda f: settings(f, hidden_size="many"), "config.json: cannot be read as a model's settings"),
    "garbage weights": (
        lambda f: (f / "model.safetensors").write_bytes(b"\x08" + bytes(range(200))),
        "model.safetensors: cannot be read as safetensors",
    ),
    "cut weights": (
        lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:-100]),
        "model.safetensors: cannot be read as safetensors",
    ),
    "other weights": (
        lambda f: weights(f, lambda w: {f"x{n}": v for n, v in enumerate(w.values())}),
        "its weights are",
    ),
    "garbage tokenizer": (lambda f: (f / "tokenizer.json").write_text("{]"), "tokenizer.json: cannot be read as a tok"),
    "another vocabulary": (
        lambda f: (
            weights(f, lambda w: {n: v[:90].clone() if len(v) == 100 else v for n, v in w.items()}),
            settings(f, vocab_size=90),
        ),
        "tokenizer.json: knows 100 pieces, and the model 90",
    ),
}


def test_sound_folder_is_taken(folder):
    check_folder(folder)


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_with_a_folder_is_one_sentence(folder, name):
    damage, said = FAULTS[name]
    damage(folder)
    with pytest.raises(UserError, match=said) as caught:
        check_folder(folder)
    assert "remedy:" in str(caught.value)


def test_inputs_from_outside_are_checked_and_what_stages_of_ours_have_saved_is_not(folder):
    settings(folder, model_type="brt")
    path = manifest.write(folder, [file for file in folder.iterdir() if file.name != "run.json"])
    with pytest.raises(UserError, match="brt"):
        check_inputs([path])
    (folder / "run.json").write_text('{"stage": "pretrain", "status": "FINISHED"}')
    check_inputs([path])


def test_job_refuses_code_although_every_question_would_be_answered_with_yes(folder, tmp_path):
    """`yes |` in front of a job, which reads nothing from it."""
    evil(folder)
    manifest.write(folder, [file for file in folder.iterdir() if file.name != "run.json"])
    asks = "import sys; from scriptorium import stage; stage._close_stdin(); print(repr(sys.stdin.read()), input())"
    done = subprocess.run([sys.executable, "-c", asks], input="y\n" * 9, capture_output=True, text=True, check=False)
    assert "EOFError" in done.stderr and "''" not in done.stdout
    load = (
        "from scriptorium import stage; stage._close_stdin(); import sys, transformers\n"
        "transformers.AutoConfig.from_pretrained(sys.argv[1], local_files_only=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", load, str(folder)], input="y\n" * 9, capture_output=True, text=True, check=False
    )
    assert done.returncode and not (folder / "PWNED").exists()


def test_programs_of_a_model_folder_are_not_fetched(saved, tmp_path):
    own = Path(shutil.copytree(saved, tmp_path / "own"))
    evil(own)
    (own / "deeper").mkdir()
    (own / "deeper/modeling_evil.py").write_text(EVIL)
    out = tmp_path / "resources/model"
    spec = FetchSpec(name="model", source="file", location=str(own))
    execute("fetch", spec, fetch.run, out=out, inputs={"own": [own]}, state=tmp_path / "state")
    assert (out / "config.json").exists() and not list(out.rglob("*.py"))
    assert "configuration_evil.py" in (out / "events.jsonl").read_text()


def test_every_model_and_tokenizer_is_loaded_without_trust():
    """All calls of `from_pretrained` say so, but two that are older and in every training's digest: their folders are
    checked, or ours; so are those of the bench."""
    package = Path(manifest.__file__).parent
    older = {"text/tokenizers.py", "models/mpnet/model.py"}
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "trust_remote_code=True" not in text
        if (name := path.relative_to(package).as_posix()) in older or name.startswith("bench/"):
            continue
        for call in text.split(".from_pretrained(")[1:]:
            assert "trust_remote_code=False" in call[: call.index("\n\n") if "\n\n" in call else None], path


def test_what_transformers_says_of_a_folder_is_told_by_the_stage(folder, tmp_path):
    """Whatever a stage loads, and whatever the check of its inputs has missed."""
    shutil.copytree(folder, tmp_path / "ours")
    settings(tmp_path / "ours", hidden_size=32)
    spec = FetchSpec(name="model", source="file", location="x")

    def run(job):
        transformers.AutoModel.from_pretrained(tmp_path / "ours", local_files_only=True)

    run.__module__ = fetch.__name__
    with pytest.raises(UserError, match=r"ours: cannot be read as a model or its tokenizer: .*size"):
        execute("fetch", spec, run, out=tmp_path / "out", inputs={}, state=tmp_path / "state")
    assert json.loads((tmp_path / "out/run.json").read_text())["status"] == "FAILED"
    assert not (tmp_path / "out/.reserve").exists()
