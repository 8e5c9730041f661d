"""Proves that models that write text have transformers' own heads on equal weights, that padding and batches change no
prediction, and that T5's labels are scored as transformers scores targets."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from torch.nn import functional

from scriptorium.errors import UserError
from scriptorium.models.tuned.bart import BartSequence, BartSpans, BartTokens
from scriptorium.tasks import heads, symbols
from scriptorium.tasks.body import body_of
from scriptorium.tasks.examples import collate
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.spec import BodySpec, FinetuneSpec
from tests import tiny, writers

ALL = pytest.mark.parametrize("model", writers.BODIES)
CASES = [
    (model, kind) for model in writers.BODIES for kind in writers.KINDS if model != "t5" or kind == "classification"
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        (model, kind): writers.folder(tmp_path_factory.mktemp(f"{model}-{kind}") / "x", model, kind=kind)
        for model, kind in CASES
    }


def made(folders, model, kind="classification", **changes):
    """(model with a head in evaluation, data of the test split, specification)."""
    folder = folders[model, kind]
    spec = FinetuneSpec.parse(folder.spec(body=writers.body(model), **writers.KINDS[kind], **changes))
    body, backbone = body_of(spec.body), folder.root / "backbone"
    torch.manual_seed(1)
    built = heads.build(spec, backbone).eval()
    table = kind_of(kind).read(folder.root / "data/test.parquet", spec.labels)
    tokenizer = body.reading(transformers.AutoTokenizer.from_pretrained(backbone))
    return built, kind_of(kind).data_set(body.texts(table, spec.body), tokenizer, spec, None), spec


def inputs(data, rows, pad=0, multiple=1):
    batch = data.collate(pad, multiple)([data[row] for row in rows])
    return {name: value for name, value in batch.items() if name != "labels"}, batch["labels"]


def outputs(model, batch) -> list[torch.Tensor]:
    with torch.no_grad():
        found = model(**batch)
    return [value for name, value in found.items() if name.endswith("logits")]


# --- padding and batches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "kind"), CASES)
def test_padding_and_the_batch_change_no_prediction(folders, model, kind):
    built, data, _ = made(folders, model, kind)
    batch, _ = inputs(data, range(12), multiple=16)
    lengths = batch["attention_mask"].sum(-1)
    assert len(lengths.unique()) > 2
    together = outputs(built, batch)
    other = {**batch, "input_ids": batch["input_ids"].masked_fill(batch["attention_mask"] == 0, 0)}
    assert all(torch.equal(a, b) for a, b in zip(outputs(built, other), together, strict=True))
    for row, length in enumerate(lengths):
        alone = outputs(built, inputs(data, [row])[0])
        for one, all_of_them in zip(alone, together, strict=True):
            known = (
                all_of_them[row, :length]
                if all_of_them.shape[1] == 16 * -(-int(lengths.max()) // 16)
                else all_of_them[row]
            )
            assert torch.allclose(one[0], known, atol=1e-5)


@pytest.mark.parametrize("model", ["gpt2", "llama"])
@pytest.mark.parametrize("kind", ["tagging", "question_answering"])
def test_a_token_of_a_causal_model_sees_the_left_alone_and_one_of_bart_everything(folders, model, kind):
    for name, sees_all in ((model, False), ("bart", True)):
        built, data, _ = made(folders, name, kind)
        batch, _ = inputs(data, [0])
        before, place = outputs(built, batch), 6
        changed = {**batch, "input_ids": batch["input_ids"].clone()}
        changed["input_ids"][0, place] += 1
        for a, b in zip(before, outputs(built, changed), strict=True):
            moved = (a - b)[0].reshape(a.shape[1], -1).abs().amax(-1) > 1e-6
            assert moved[:place].any() == sees_all
            assert moved[place:].any()


# --- transformers' own ------------------------------------------------------------------------------------------------


def test_barts_text_is_that_of_transformers_class_loss_and_gradients(folders):
    ours, data, _ = made(folders, "bart")
    assert type(ours) is BartSequence
    theirs = transformers.BartForSequenceClassification(ours.config).eval()
    theirs.load_state_dict(ours.state_dict())
    batch, labels = inputs(data, range(8), multiple=16)
    expected, found = theirs(**batch, labels=labels), ours(**batch, labels=labels)
    assert torch.allclose(found.logits, expected.logits, atol=1e-5)
    assert found.loss.item() == pytest.approx(expected.loss.item(), abs=1e-5)
    expected.loss.backward()
    found.loss.backward()
    tiny.same_gradients(ours, theirs, atol=1e-5)


def test_bart_takes_the_last_token_where_transformers_class_counts_symbols(folders):
    """A text that holds the symbol that ends a text, beside one that does not: transformers refuses the batch."""
    ours, data, _ = made(folders, "bart")
    batch, labels = inputs(data, range(2))
    batch["input_ids"][0, 3] = ours.config.eos_token_id
    theirs = transformers.BartForSequenceClassification(ours.config).eval()
    with pytest.raises(ValueError, match="same number of <eos> tokens"):
        theirs(**batch)
    assert torch.isfinite(ours(**batch, labels=labels).loss)


def test_barts_spans_and_tags_are_the_states_of_transformers_class_for_answers(folders):
    spans, data, _ = made(folders, "bart", "question_answering")
    assert type(spans) is BartSpans
    theirs = transformers.BartForQuestionAnswering(spans.config).eval()
    theirs.load_state_dict(spans.state_dict())
    batch, _ = inputs(data, range(8))
    expected = theirs(**batch)
    first, last = outputs(spans, batch)
    assert torch.allclose(first, expected.start_logits, atol=1e-5)
    assert torch.allclose(last, expected.end_logits, atol=1e-5)
    tags = BartTokens(spans.config).eval()
    tags.load_state_dict({name.replace("qa_outputs", "classifier"): v for name, v in theirs.state_dict().items()})
    (found,) = outputs(tags, batch)
    assert torch.allclose(found, torch.stack([expected.start_logits, expected.end_logits], -1), atol=1e-5)


CAUSAL = {
    "gpt2": (transformers.GPT2ForSequenceClassification, transformers.GPT2Model),
    "llama": (transformers.LlamaForSequenceClassification, transformers.LlamaModel),
}


@pytest.mark.parametrize("model", CAUSAL)
def test_a_causal_models_text_is_the_state_of_its_last_token(folders, model):
    """Transformers' class, its rule (the last token that is no padding), and by hand without any padding."""
    built, data, _ = made(folders, model)
    whole, bare = CAUSAL[model]
    assert type(built) is whole
    body = bare.from_pretrained(folders[model, "classification"].root / "backbone").eval()
    batch, _ = inputs(data, range(8), multiple=16)
    (together,) = outputs(built, batch)
    for row in range(8):
        ids = data[row]["input_ids"][None]
        assert ids[0, -1] == built.config.eos_token_id
        assert torch.allclose(built.score(body(ids).last_hidden_state[0, -1]), together[row], atol=1e-5)


@pytest.mark.parametrize(("model", "kind"), CASES)
def test_no_weight_of_the_backbone_is_lost(folders, model, kind):
    built, *_ = made(folders, model, kind)
    auto = transformers.AutoModelForSeq2SeqLM if model == "t5" else transformers.AutoModel
    backbone = auto.from_pretrained(folders[model, kind].root / "backbone").state_dict()
    own = built.base_model.state_dict()
    assert backbone.keys() == own.keys()
    assert all(torch.equal(own[name], value) for name, value in backbone.items())


def test_random_weights_keep_the_shape_and_nothing_else(folders):
    for model in writers.BODIES:
        kept, fresh = (made(folders, model, reinitialise=flag)[0].get_input_embeddings().weight for flag in (0, 1))
        assert kept.shape == fresh.shape and not torch.equal(kept, fresh)


# --- text to text -----------------------------------------------------------------------------------------------------


@pytest.fixture
def t5(folders):
    """(our model, transformers' with the same weights, a batch, its labels)."""
    ours, data, _ = made(folders, "t5")
    theirs = transformers.T5ForConditionalGeneration(ours.config).eval()
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs, *inputs(data, range(6), multiple=16)


def test_labels_are_scored_and_learned_as_transformers_scores_targets(t5):
    ours, theirs, batch, labels = t5
    targets = ours.targets("cpu")
    assert [row[row != -100].tolist() for row in targets] == ours.config.label_pieces
    found = ours(**batch, labels=labels)
    for row in range(6):
        one = {name: value[row : row + 1] for name, value in batch.items()}
        for number, pieces in enumerate(ours.config.label_pieces):
            mean = theirs(**one, labels=torch.tensor([pieces])).loss
            assert found["logits"][row, number].item() == pytest.approx(-mean.item() * len(pieces), abs=1e-4)
    right = found["logits"].gather(1, labels[:, None])
    assert found["loss"].item() == pytest.approx(-right.mean().item(), abs=1e-6)

    ours.config.dropout_rate = 0
    trained = type(ours)(ours.config).train()
    trained.load_state_dict(theirs.state_dict())
    trained(**batch, labels=labels)["loss"].backward()
    logits = theirs(**batch, labels=targets[labels]).logits
    (functional.cross_entropy(logits.transpose(1, 2), targets[labels], reduction="sum") / 6).backward()
    tiny.same_gradients(trained, theirs, atol=1e-5)


def test_a_label_counts_as_generated_exactly_where_generate_writes_it(t5):
    ours, theirs, batch, _ = t5
    with torch.no_grad():
        theirs.lm_head.weight[ours.config.eos_token_id] *= 3  # so that generation ends
        ours.load_state_dict(theirs.state_dict())
    written = theirs.generate(**batch, max_new_tokens=6, do_sample=False)[:, 1:].tolist()
    targets = [[t for t in row[: row.index(3) + 1]] if 3 in row else [*row, 3] for row in written]
    unique = [list(row) for row in dict.fromkeys(map(tuple, targets))]
    ours.config.label_pieces = [*unique, [7, 8, 3]]
    found = ours(**batch)["generated"]
    for row, (target, tokens) in enumerate(zip(targets, written, strict=True)):
        expected = [pieces == target and 3 in tokens for pieces in ours.config.label_pieces]
        assert found[row].tolist() == expected
    assert found.any() and not found.all()


def test_t5_reads_a_prefix_and_both_texts_each_before_the_symbol_that_ends_it(folders):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folders["t5", "classification"].root / "backbone")
    body, spec = body_of(BodySpec(name="t5")), BodySpec(name="t5", prefix="the film ")
    table = pd.DataFrame({"text": ["the old monk"], "text_b": ["was angry"]})
    read = body.texts(table, spec)
    own = body.reading(tokenizer)
    pieces = own.convert_ids_to_tokens(own(read["text"][0], read["text_b"][0]).input_ids)
    assert pieces.count("[SEP]") == 2 and pieces[-1] == "[SEP]" and "[CLS]" not in pieces
    assert own.decode(own(read["text"][0]).input_ids) == "the film the old monk [SEP]"
    assert "token_type_ids" in tokenizer("a") and "token_type_ids" not in own("a"), "the given one stays as it is"
    assert own("a", "b", truncation=True, max_length=3).input_ids[-1] == own.sep_token_id


# --- tokenizers of others ---------------------------------------------------------------------------------------------


def bytes_tokenizer(**names: str) -> transformers.PreTrainedTokenizerFast:
    """GPT-2's kind: bytes, and no symbols around texts."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE({piece: number for number, piece in enumerate([*alphabet, *names.values()])}, []))
    core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    core.post_processor = processors.ByteLevel(trim_offsets=True)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, **names)


def test_texts_of_a_tokenizer_without_symbols_stand_apart_and_padding_can_be_told_from_them():
    reading = body_of(BodySpec(name="causal")).reading
    bare = reading(bytes_tokenizer(eos_token="<end>"))
    end = bare.eos_token_id
    assert bare.pad_token_id == end
    assert bare("ab").input_ids == bare("a").input_ids + bare("b").input_ids, "nothing behind: it would be padding"
    assert bare("a", "b").input_ids == [*bare("a").input_ids, end, *bare("b").input_ids]
    padded = reading(bytes_tokenizer(eos_token="<end>", pad_token="<pad>"))
    assert padded("a", "b").input_ids == [*padded("a").input_ids, *padded("b").input_ids]
    assert padded("a").input_ids[-1] == padded.eos_token_id != padded.pad_token_id
    assert (
        padded(" ab cd").encodings[0].offsets[:3]
        == bytes_tokenizer(eos_token="<end>")(" ab cd").encodings[0].offsets[:3]
    )


def test_a_tokenizer_that_ends_nothing_and_one_without_places_are_refused():
    with pytest.raises(UserError, match="no symbol that ends a text"):
        body_of(BodySpec(name="causal")).reading(bytes_tokenizer())

    class Slow:
        is_fast, name_or_path = False, "slow"

    with pytest.raises(UserError, match="no character offsets"):
        symbols.without_types(Slow())


def test_batches_hold_no_numbers_of_texts(folders):
    for model in writers.BODIES:
        _, data, _ = made(folders, model)
        assert set(collate(0)([data[0], data[1]])) == {"input_ids", "attention_mask", "labels"}
