"""Questions on passages and multiple choice are learned end to end, by BERT's shape and by MPNet's, and their losses
are those of transformers but for the padding."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.evaluation import multiple_choice, question_answering
from scriptorium.models.positions import longest_input
from scriptorium.reporting import differences
from scriptorium.stages import finetune
from scriptorium.tasks import heads, losses
from scriptorium.tasks.spec import FinetuneSpec, KindOfTask
from scriptorium.text.tokenizers import fairseq_tokenizer
from tests.finetuning import COGNITION, Folder
from tests.workflow.miniature import SENTENCES, write_encoder

TOWNS = ("Paris", "Venice", "Amsterdam")
PLAIN = [text for text in SENTENCES if not any(town in text for town in TOWNS) and len(text) < 62]
TRAIN = {"epochs": 5, "batch_size": 8, "lr": 4e-3, "log_every": 10}
SETTINGS = {
    "question_answering": {"max_length": 26, "answers": {"stride": 10, "question_length": 8}, "labels": []},
    "multiple_choice": {"max_length": 32, "option_length": 12, "labels": ["middle", "high"]},
    "classification": {"max_length": 40, "labels": ["bad", "good"]},
    "tagging": {"max_length": 40, "labels": ["O", "B-TOWN"]},
}


def rows(kind: str, impossible: bool) -> pd.DataFrame:
    """Passages that name one town, or none; the question is which, in each kind's own form."""
    generator = np.random.default_rng(0)
    made = []
    for number in range(96):
        town = "" if impossible and number % 3 == 0 else TOWNS[number % len(TOWNS)]
        first = generator.choice(PLAIN)
        text = f"{first}  They saw {town or 'nobody'} there."  # two blanks: offsets must hold
        row = {"id": f"e{number}", "text": text, "text_b": None, "label": int(number % 2)}
        if kind == "question_answering":
            label = [{"text": town, "start": text.index(town)}] if town else []
            row |= {"text": "Which town?", "text_b": text, "label": label}
        elif kind == "multiple_choice":
            others = list(generator.permutation(["bread", "wine", "horse", "garden"])[: 1 + number % 3])
            place = number % (len(others) + 1)
            row |= {
                "text": first,
                "text_b": "They saw _ there.",
                "label": place,
                "part": ("middle", "high")[number % 2],
                "options": [*others[:place], town, *others[place:]],
            }
        elif kind == "tagging":
            row |= {"label": [int(word in TOWNS) for word in text.split()]}
        else:
            row |= {"text": text.replace(town, "wine" if number % 2 else "horse")}
        made.append(row)
    return pd.DataFrame(made)


def write(root: Path, kind: str, impossible: bool = False) -> Folder:
    table = rows(kind, impossible)
    (root / "data").mkdir(parents=True)
    files = []
    for split, (start, end) in {"train": (0, 64), "validation": (64, 80), "test": (80, 96)}.items():
        files.append(root / "data" / f"{split}.parquet")
        table.iloc[start:end].to_parquet(files[-1], index=False)
    manifest.write(root / "data", files)
    return Folder(root)


def bert(folder: Path) -> None:
    write_encoder(folder)


def mpnet(folder: Path) -> None:
    """What our pre-training exports: MPNet's model with fairseq's vocabulary; all positions but two can be used."""
    write_encoder(folder)
    tokenizer = fairseq_tokenizer(transformers.AutoTokenizer.from_pretrained(folder))
    for path in folder.iterdir():
        path.unlink()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.MPNetConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        layer_norm_eps=1e-5,
    )
    transformers.MPNetModel(config).save_pretrained(folder)


def ready(root: Path, kind: str, backbone=bert, impossible: bool = False) -> Folder:
    folder = write(root, kind, impossible)
    backbone(root / "backbone")
    manifest.write(root / "backbone", [p for p in (root / "backbone").iterdir() if p.is_file()])
    return folder


def outcome(run: Path) -> tuple[dict, pd.DataFrame]:
    return json.loads((run / "metrics.json").read_text()), pd.read_parquet(run / "predictions.parquet")


def settings(kind: str, **changes) -> dict:
    return {"kind": kind, "train": TRAIN, **SETTINGS[kind], **changes}


@pytest.mark.parametrize("backbone", [bert, mpnet])
def test_answers_are_learned_and_are_pieces_of_the_passage(tmp_path, backbone):
    folder = ready(tmp_path, "question_answering", backbone)
    run = folder.run("run", **settings("question_answering", save_model=backbone is mpnet))
    metrics, found = outcome(run)
    assert metrics["test/em"] > 0.8 and metrics["test/f1"] >= metrics["test/em"]
    assert "test/em_threshold_0" not in metrics, "every question has an answer"
    test = pd.read_parquet(tmp_path / "data/test.parquet")
    assert found["id"].tolist() == test["id"].tolist()
    assert all(own in passage for own, passage in zip(found["prediction"], test["text_b"], strict=True))
    assert metrics["test/em"] == pytest.approx(found["exact"].mean())
    if backbone is mpnet:
        loaded = transformers.AutoModelForQuestionAnswering.from_pretrained(run / "model")
        assert loaded.config.model_type == "mpnet"


def test_the_threshold_for_no_answer_comes_from_validation(tmp_path):
    folder = ready(tmp_path, "question_answering", impossible=True)
    metrics, found = outcome(folder.run("v/toy/seed0", **settings("question_answering")))
    threshold = metrics["validation/best_f1_threshold"]
    assert ((found["prediction"] == "") == (found["gap"] > threshold)).all()
    again = question_answering.table_of_answers(found["id"], found["label"], found["answer"], found["gap"], threshold)
    assert metrics["test/f1"] == pytest.approx(again["f1"].mean())
    assert metrics["test/f1_threshold_0"] == pytest.approx(again["f1_0"].mean())
    assert metrics["test/best_f1"] >= max(metrics["test/f1"], metrics["test/f1_threshold_0"])
    assert metrics["test/f1"] > 0.5 and {"test/em_has_answer", "test/f1_no_answer"} <= metrics.keys()
    run = differences.read(tmp_path / "v/toy/seed0/manifest.json")
    other = replace(run, metrics={}, predictions=again.set_index("id").assign(exact=0.0, f1=0.0))
    for metric in ("test/f1", "test/em", "test/f1_no_answer"):
        made = differences.difference([run], [other], KindOfTask(kind="question_answering"), metric)
        assert made.comparison.difference == pytest.approx(metrics[metric])


def test_multiple_choice_of_two_to_four_options_is_learned(tmp_path):
    folder = ready(tmp_path, "multiple_choice")
    metrics, found = outcome(folder.run("v/toy/seed0", **settings("multiple_choice")))
    assert metrics["test/accuracy"] > 0.8
    assert metrics["test/accuracy"] == pytest.approx((found["label"] == found["prediction"]).mean())
    for part in ("middle", "high"):
        own = found[found["part"] == part]
        assert metrics[f"test/accuracy_{part}"] == pytest.approx((own["label"] == own["prediction"]).mean())
    test = pd.read_parquet(tmp_path / "data/test.parquet")
    assert found["probabilities"].map(len).tolist() == test["options"].map(len).tolist()
    assert found["probabilities"].map(sum).tolist() == pytest.approx([1] * len(found))
    run = differences.read(tmp_path / "v/toy/seed0/manifest.json")
    task = KindOfTask(kind="multiple_choice", labels=("middle", "high"))
    assert differences.difference([run], [run], task, "test/accuracy_high").comparison.difference == 0


@pytest.mark.parametrize("kind", ["classification", "tagging", "multiple_choice"])
def test_an_mpnet_of_our_own_pretraining_is_a_backbone_of_every_kind(tmp_path, kind):
    metrics, found = outcome(ready(tmp_path, kind, mpnet).run("run", **settings(kind)))
    assert len(found) == 16
    assert metrics["test/f1" if kind == "tagging" else "test/accuracy"] > 0.8


def test_positions_behind_the_padding_are_not_promised(tmp_path):
    mpnet(tmp_path / "mpnet")
    config = transformers.AutoConfig.from_pretrained(tmp_path / "mpnet")
    assert longest_input(config) == 64
    assert longest_input(transformers.BertConfig(max_position_embeddings=64)) == 64
    assert longest_input(transformers.RobertaConfig(max_position_embeddings=514)) == 512
    spec = FinetuneSpec.parse(settings("classification", max_length=65))
    with pytest.raises(UserError, match="more than the backbone's 64"):
        heads.build(spec, tmp_path / "mpnet")


def test_losses_are_those_of_transformers_where_nothing_is_padded():
    torch.manual_seed(0)
    start, end = torch.randn(2, 3, 7)
    labels = torch.tensor([[1, 4, 7], [0, 0, 7], [6, 6, 7]])
    entropy = torch.nn.functional.cross_entropy
    expected = (entropy(start, labels[:, 0]) + entropy(end, labels[:, 1])) / 2
    assert torch.allclose(losses.span_loss({"start_logits": start, "end_logits": end}, labels), expected)
    assert torch.allclose(losses.choice_loss({"logits": start}, labels[:, 1:]), entropy(start, labels[:, 1]))


def test_padding_and_missing_options_leave_loss_and_gradient_alone():
    torch.manual_seed(0)
    short = torch.randn(1, 4, requires_grad=True)
    padded = torch.cat([short, 50 * torch.ones(1, 3)], dim=1)
    for loss, labels, outputs in (
        (losses.span_loss, [[1, 3, 4]], lambda x: {"start_logits": x, "end_logits": x}),
        (losses.choice_loss, [[2, 4]], lambda x: {"logits": x}),
    ):
        values = [loss(outputs(x), torch.tensor(labels)) for x in (short, padded)]
        assert torch.equal(*values)
        gradients = [torch.autograd.grad(value, short)[0] for value in values]
        assert torch.equal(*gradients) and gradients[0].abs().sum() > 0
    made = multiple_choice.table_of_choices(
        pd.DataFrame({"id": ["a"]}), padded.detach().numpy(), np.array([[2, 4]]), ()
    )
    assert made["prediction"][0] == int(short.argmax()) and len(made["probabilities"][0]) == 4


@pytest.mark.parametrize("kind", ["question_answering", "multiple_choice"])
@pytest.mark.parametrize("asked", [{"cognition": COGNITION}, {"gaze_loss": 0.1}])
def test_cognition_is_refused_with_kinds_that_have_no_such_head(kind, asked):
    with pytest.raises(UserError, match=f"cannot be used on a task of kind {kind}"):
        finetune.require_plain(FinetuneSpec.parse(settings(kind, **asked)))
