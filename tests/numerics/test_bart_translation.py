"""Proves on a tiny BART that translation behind a new encoder trains what each of its two steps is to train, that the
two vocabularies are independent, and that what is written depends on neither cache, batch nor padding."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from safetensors.torch import load_file

import scriptorium.auto_models  # noqa: F401
from scriptorium import ledger
from scriptorium.errors import UserError
from scriptorium.generation import generating
from scriptorium.generation.examples import collate, sources
from scriptorium.generation.losses import measured
from scriptorium.models.bart_translation import BartForTranslation, freeze_most
from scriptorium.text.tokenizers import load_tokenizer
from scriptorium.translation import pairs
from scriptorium.translation.bodies import bart
from scriptorium.translation.examples import Pairs
from scriptorium.translation.spec import Direction, TranslateSpec
from tests.translating import BEHIND, GERMAN, STEP_ONE, Folder, build, write_pairs

pytest.importorskip("sacrebleu")

NEW = "model.encoder.embed_tokens."
NO_PARAMETER = "final_logits_bias"  # transformers saves it and trains it nowhere
OF_BART = {
    "model.encoder.embed_positions.weight",
    "model.decoder.embed_positions.weight",
    *(f"model.encoder.layers.0.self_attn.{part}_proj.weight" for part in "qkv"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return build(tmp_path_factory.mktemp("translation"))


def made(folder: Folder, *, seed: int = 3, **changes) -> bart.Built:
    """Before step one, as the stage makes it with this seed."""
    transformers.set_seed(seed)
    spec = TranslateSpec.parse(folder.spec(**STEP_ONE | changes))
    return bart.built(spec, folder.root / "bart/model", folder.root / "german/manifest.json")


def table(folder: Folder, split: str) -> pd.DataFrame:
    return pairs.splits(Direction(source="de", target="en"), folder.root / "parallel/pairs.parquet")[split]


def parameters(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def test_a_new_encoder_stands_in_place_of_the_embeddings_of_barts_encoder(folder):
    """The model equals transformers' own BART that is given the new encoder's states as embeddings."""
    found = made(folder)
    model, plain = (
        found.model.double().eval(),
        transformers.BartForConditionalGeneration.from_pretrained(folder.root / "bart/model"),
    )
    plain = plain.double().eval()
    assert model.model.encoder.embed_tokens.embed_tokens.num_embeddings == len(found.reads) != len(found.writes)
    assert model.model.shared.num_embeddings == len(found.writes)
    assert model.lm_head.weight is model.model.decoder.embed_tokens.weight is model.model.shared.weight
    sizes = (len(found.reads), len(found.writes))
    ids, target = (torch.randint(5, size, (2, 7), generator=torch.Generator().manual_seed(0)) for size in sizes)
    seen = torch.tensor([[1] * 7, [1] * 4 + [0] * 3])
    with torch.no_grad():
        states = model.model.encoder.embed_tokens(ids, attention_mask=seen).last_hidden_state
        ours = model(input_ids=ids, attention_mask=seen, decoder_input_ids=target).logits
        theirs = plain(inputs_embeds=states, attention_mask=seen, decoder_input_ids=target).logits
    assert torch.allclose(ours, theirs, atol=1e-12)
    assert "a new encoder of the source" in found.said and "layers.0.self_attn.q_proj.weight" in found.said


def test_sources_are_of_their_own_vocabulary_and_targets_of_barts(folder):
    found = made(folder)
    example = Pairs(
        pd.DataFrame({"source": ["word12 word13"], "target": ["word3"]}), found.reads, found.writes, found.frame, 12
    )[(0, 0)]
    numbers = [found.reads.convert_tokens_to_ids(word) for word in ("[CLS]", "word12", "word13", "[SEP]")]
    assert example["input_ids"].tolist() == numbers
    assert numbers != [found.writes.convert_tokens_to_ids(word) for word in ("[CLS]", "word12", "word13", "[SEP]")]
    assert found.reads.convert_tokens_to_ids("word3") == found.reads.unk_token_id, "German knows no English word"
    cls, sep, word = (found.writes.convert_tokens_to_ids(word) for word in ("[CLS]", "[SEP]", "word3"))
    assert example["decoder_input_ids"].tolist() == [sep, cls, word]
    assert example["labels"].tolist() == [-100, word, sep]


def test_as_many_pieces_fit_as_without_a_start_symbol(folder):
    found = made(folder)
    rows = pd.DataFrame({"source": ["word12 word13", "word12"], "target": ["word3", "word3 word4"]})
    fits = {longest: len(Pairs(rows, found.reads, found.writes, found.frame, longest)) for longest in (3, 4)}
    assert fits == {3: 0, 4: 2}


def test_neither_cache_nor_batch_nor_the_number_that_pads_changes_what_is_written(folder):
    found = made(folder)
    model = found.model.double().eval()
    with torch.no_grad():  # a new model with tied embeddings writes one symbol again and again
        for number, parameter in enumerate(model.parameters()):
            parameter.add_(0.4 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
    own = sources(table(folder, "test")["source"].tolist(), found.reads, found.frame, 12)
    batch = [own[row] for row in range(len(own))]
    assert len(set(map(len, batch))) > 1, "otherwise nothing is padded"
    for beams in (1, 3):
        search = generating.Search(found.frame, 6, beams, 1.0)
        cached = generating.generate(model, found.writes, batch, search)
        assert cached == generating.generate(model, found.writes, batch, search, cached=False)
        assert cached == [generating.generate(model, found.writes, [each], search)[0] for each in batch]
        assert len(set(cached)) > 1
    ids, seen = torch.full((1, 6), found.reads.cls_token_id), torch.tensor([[1, 1, 1, 0, 0, 0]])
    start = torch.tensor([[3, 2]])
    with torch.no_grad():
        told = [
            model(input_ids=torch.where(seen > 0, ids, pad), attention_mask=seen, decoder_input_ids=start).logits
            for pad in (0, found.writes.pad_token_id, 10**6)
        ]
    assert torch.equal(told[0], told[1]) and torch.equal(told[0], told[2])


def test_the_loss_does_not_depend_on_padding(folder):
    found = made(folder)
    data = Pairs(table(folder, "train"), found.reads, found.writes, found.frame, 12)
    whole = measured(found.model.double(), data, collate(found.writes.pad_token_id))["loss"]
    single = [measured(found.model, torch.utils.data.Subset(data, [row]), collate(0))["loss"] for row in range(20)]
    some = measured(found.model, torch.utils.data.Subset(data, range(20)), collate(found.writes.pad_token_id))["loss"]
    counts = [int((data[row]["labels"] >= 0).sum()) for row in range(20)]
    assert np.average(single, weights=counts) == pytest.approx(some) and whole == pytest.approx(some, rel=0.2)


@pytest.fixture(scope="module")
def steps(folder) -> dict[str, dict[str, torch.Tensor]]:
    """Weights of BART, after step one (seed 1) and after step two."""
    train = {"max_steps": 12, "batch_size": 8, "lr": 3e-3, "log_every": 1, "eval_every": 6, "weight_decay": 0.1}
    settings = {"train": train, "save_model": True, "dropout": 0.1, "average": 2}
    one = folder.run("one", others=BEHIND, **STEP_ONE | settings)
    two = folder.run("two", others={"backbone": "one"}, **GERMAN | settings | {"seed": 2})
    places = {"bart": folder.root / "bart", "one": one, "two": two}
    found = {name: load_file(place / "model/model.safetensors") for name, place in places.items()}
    return {name: {key: value for key, value in own.items() if key != NO_PARAMETER} for name, own in found.items()}


def test_step_one_moves_the_new_encoder_and_the_named_parameters_of_bart_alone(folder, steps):
    begun = {name: value for name, value in steps["bart"].items() if not name.startswith(NEW)}
    ended = {name: value for name, value in steps["one"].items() if not name.startswith(NEW)}
    assert begun.keys() == ended.keys()
    assert {name for name in begun if not torch.equal(begun[name], ended[name])} == OF_BART
    new = parameters(made(folder, seed=1).model)
    learned = {name: value for name, value in steps["one"].items() if name.startswith(NEW)}
    assert learned.keys() == {name for name in new if name.startswith(NEW)}
    assert [name for name, value in learned.items() if torch.equal(value, new[name])] == []


def test_step_two_moves_everything(steps):
    assert steps["one"].keys() == steps["two"].keys()
    assert [name for name, value in steps["one"].items() if torch.equal(value, steps["two"][name])] == []


def test_what_is_frozen_has_no_gradient_and_what_is_not_has_one(folder):
    found = made(folder)
    data = Pairs(table(folder, "train"), found.reads, found.writes, found.frame, 12)
    found.model.train()
    found.model(**collate(found.writes.pad_token_id)([data[row] for row in range(8)]))["loss"].backward()
    told = {name for name, value in found.model.named_parameters() if value.grad is not None and value.grad.any()}
    of_new = {name for name in told if name.startswith(NEW)}
    assert told - of_new == OF_BART
    everything = {name for name, _ in found.model.named_parameters() if name.startswith(NEW)}
    assert all(name.endswith("k_proj.bias") for name in everything - of_new), "a key's bias moves no attention"
    assert sorted(freeze_most(found.model)) == sorted(OF_BART)


def test_a_saved_translator_is_read_by_transformers_and_writes_the_same(folder, steps):
    run = folder.root / "two"
    again, info = transformers.AutoModelForSeq2SeqLM.from_pretrained(run / "model", output_loading_info=True)
    assert type(again) is BartForTranslation and not any(info[name] for name in info)
    reads, writes = load_tokenizer(run / "model/source"), load_tokenizer(run / "model")
    assert (len(reads), len(writes)) == (17, 100)
    written = pd.read_parquet(run / "hypotheses.parquet")
    frame = made(folder).frame
    own = sources(written["source"].tolist(), reads, frame, 12)
    search = generating.Search(frame, 11, 2, 1.0)
    again = [generating.generate(again.eval(), writes, [own[row]], search)[0] for row in range(len(own))]
    assert again == written["hypothesis"].tolist()


def test_step_two_goes_on_where_step_one_ended_and_learns_to_translate(folder):
    """This BART is not pre-trained, so a frozen one learns little in step one."""
    write_pairs(folder.root / "many", 1500, held_out=40, longest=4)
    train = {"max_steps": 60, "batch_size": 32, "lr": 4e-3, "log_every": 1, "eval_every": 60, "warmup_ratio": 0.1}
    settings = {"train": train, "label_smoothing": 0.0, "save_model": True}
    one = folder.run("learned-one", others=BEHIND | {"pairs": "many"}, **STEP_ONE | settings)
    longer = GERMAN | settings | {"train": train | {"max_steps": 200, "eval_every": 100}}
    two = folder.run("learned-two", others={"pairs": "many", "backbone": "learned-one"}, **longer)
    events = [list(ledger.read_events(run)) for run in (one, two)]
    losses = [[e["metrics"]["train/loss"] for e in own if "train/loss" in e.get("metrics", {})] for own in events]
    assert losses[0][-1] < losses[0][0] - 0.5 and losses[1][0] == pytest.approx(losses[0][-1], abs=0.3)
    metrics = [json.loads((run / "metrics.json").read_text()) for run in (one, two)]
    assert metrics[1]["validation/loss"] < 0.3 < metrics[0]["validation/loss"] and metrics[1]["test/bleu"] > 50
    assert any("the new encoder's too" in event.get("note", "") for event in events[1])


def test_the_control_has_the_same_shape_and_learns_everything(folder):
    trained, control = made(folder), made(folder, reinitialise=True, updates="all")
    assert trained.model.num_parameters() == control.model.num_parameters()
    assert all(value.requires_grad for value in control.model.parameters())
    assert control.model.model.shared.weight.std() < 0.05 < trained.model.model.shared.weight.std()
    assert control.said.startswith("the shape of")


def test_what_cannot_be_a_backbone_is_refused(folder):
    with pytest.raises(UserError, match="max_length: 41 positions are needed, the backbone has 40"):
        made(folder, max_length=41)
    spec = TranslateSpec.parse(folder.spec(**STEP_ONE))
    with pytest.raises(UserError, match="this kind of body is bart"):
        bart.built(spec, folder.root / "veco/model", folder.root / "german/manifest.json")
    spec = TranslateSpec.parse(folder.spec(**GERMAN))
    with pytest.raises(UserError, match="a bart model, and this kind of body is scriptorium-bart-translation"):
        bart.built(spec, folder.root / "bart/model", None)
