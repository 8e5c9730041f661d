"""Proves of the pictures of objectives that they show what the models see: a changed token changes just the predictions
that see it, and the pictures are those of the papers' tables; and that the committed ones are what the code draws."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch

from scriptorium.models.mpnet.visibility import lay_out
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.spec import OBJECTIVES
from scriptorium.show import picture, seeing
from scriptorium.show.__main__ import main, settings
from scriptorium.show.spec import ShowSpec
from tests import tiny

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs/images/objectives"
EXAMPLES = ShowSpec.examples()
# of batches: what is not read as a token; a new name must be put here, or into seeing.READ
BESIDE = {
    *("labels", "positions", "document_ids", "texts", "decoder_texts", "attention_mask", "token_type_ids", "order"),
    *("next_sentence_label", "streams", "bilingual", "words", "links", "inside", "rows", "decoder_places"),
}
TEXT = "The monk copied the book."


def drawn(name: str, *texts: str, seed: int = 0, **values) -> picture.Picture:
    return picture.of(ShowSpec.of({"name": name, **values}, texts, seed))


def captured(name, monkeypatch):
    """(model, batch, what is seen by term) of an objective's picture."""
    found = []

    def kept(model, batch):
        found.extend([model, batch, seeing.seen(model, batch)])
        return found[2]

    monkeypatch.setattr(picture, "seen", kept)
    picture.of(EXAMPLES[name])
    return found


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_changed_token_changes_the_predictions_that_see_it_and_no_others(name, monkeypatch):
    """Ten other tokens in turn for every token that is read; gradients are not asked here."""
    model, batch, visible = captured(name, monkeypatch)
    assert set(batch) <= BESIDE | set(seeing.READ)
    rows = (batch["labels"][0] != IGNORED).nonzero()[:, 0]
    whole = seeing.OF_THE_WHOLE

    def losses(given):
        found: dict[str, list[float]] = {}
        for row in rows:
            own = torch.full_like(batch["labels"], IGNORED)
            own[0, row] = batch["labels"][0, row]
            with torch.no_grad():
                for term, loss in seeing.losses(model, given | {"labels": own}).items():
                    found.setdefault(term, []).append(float(loss))
        return {term: np.array(values[:1] if term in whole else values) for term, values in found.items()}

    before = losses(batch)
    changed = {term: np.zeros(rows.shape, dtype=bool) for term, rows in visible.items()}
    column = 0
    for tensor in (each for each in seeing.READ if each in batch):
        for place in range(batch[tensor].numel()):
            for other in range(5, 15):
                ids = batch[tensor].clone()
                ids.view(-1)[place] = other
                for term, values in losses(batch | {tensor: ids}).items():
                    changed[term][:, column] |= values != before[term]
            column += 1
    for term, rows in visible.items():
        assert np.array_equal(changed[term], rows), term
        assert rows.any(1).all(), "a prediction from nothing"


@pytest.mark.parametrize("name", ["mpnet", "plm", "mlm-permuted"])
def test_mpnets_pictures_are_the_rule_of_the_paper(name, monkeypatch):
    """docs/papers/mpnet.md section 3: the rows of the queries, or of the masks, in the rule's own matrix; and what the
    rows see in the first layer that they read in the second."""
    model, batch, visible = captured(name, monkeypatch)
    given = [batch[each] for each in ("input_ids", "positions", "revealed", "document_ids")]
    layout = lay_out(model.config.mode, *given)
    keys = slice(0, layout.content)
    content = layout.visible(keys, keys)[0].int()
    rule = layout.visible(layout.predicted, keys)[0].int()
    rule = (rule + rule @ content) > 0
    length, (positions,) = batch["input_ids"].shape[1], batch["positions"].tolist()
    expected = np.zeros((len(positions), length + len(positions)), dtype=bool)
    for row, at in enumerate(layout.predicted[0]):
        for key in (*rule[row].nonzero()[:, 0].tolist(), int(at)):  # a query reads its own mask symbol
            if key >= layout.content:
                expected[row, positions[row]] = True
                continue
            place, kind = int(layout.positions[0, key]), int(layout.kinds[0, key])
            expected[row, length + positions.index(place) if kind == 1 else place] = True
    assert np.array_equal(visible["prediction"], expected)


def test_a_causal_picture_is_a_triangle_for_each_document():
    """The block of two documents that docs/objectives.md draws as a table."""
    made = drawn("gpt2", "a b", "c d")
    assert made.text == ("[CLS]", "a", "b", "[SEP]", "c", "d", "[SEP]")
    assert made.groups[0].tokens == ("[CLS]", "a", "b", "[CLS]", "c", "d")
    (term,) = made.terms
    assert term.predicts == ("a", "b", "[SEP]", "c", "d", "[SEP]")
    own = np.tril(np.ones((3, 3), dtype=bool))
    assert np.array_equal(term.sees, np.block([[own, np.zeros_like(own)], [np.zeros_like(own), own]]))
    assert drawn("gpt2", "a b", "c d", document_attention=False).terms[0].sees.sum() == 21


@pytest.mark.parametrize(("name", "blank"), [("glm-sentences", 1), ("glm-ends", 1)])
def test_what_is_written_behind_a_text_is_hidden_in_it(name, blank):
    made = picture.of(EXAMPLES[name])
    hidden = [token for token, mark in zip(made.text, made.hidden, strict=True) if mark]
    assert hidden == list(made.terms[0].predicts)[:-1], "the last one predicted is the end of the blank"
    assert sum(token == "[MASK]" for token in made.groups[0].tokens) == sum(made.groups[0].changed) == blank


def test_a_masked_picture_says_what_stood_there():
    made = drawn("bert", TEXT, seed=1, rate=0.4, mask=1, random=0)
    hidden = [token for token, mark in zip(made.text, made.hidden, strict=True) if mark]
    assert list(made.terms[0].predicts) == hidden and len(hidden) == 2
    changed = [token for token, mark in zip(made.groups[0].tokens, made.groups[0].changed, strict=True) if mark]
    assert changed == ["[MASK]"] * 2
    assert made.terms[0].sees.all()


def test_the_settings_of_a_picture_change_it():
    terms = {
        name: drawn("veco", "a b c", "d e f g", paired=how)
        for name, how in (("all", {}), ("mlm", {"weights": {"ca": 0, "tlm": 0}}))
    }
    assert [term.name for term in terms["all"].terms] == ["mlm", "ca", "tlm"]
    (mlm,) = terms["mlm"].terms
    assert [group.heading for group in terms["mlm"].groups] == ["x reads", "y reads"]
    assert mlm.sees[0].tolist() == [True] * 5 + [False] * 6, "a side sees itself alone"
    assert drawn("mpnet", TEXT, seed=0, rate=0.5) != drawn("mpnet", TEXT, seed=3, rate=0.5)


def test_the_same_input_gives_the_same_bytes(tmp_path):
    for name in ("a.svg", "b.svg"):
        assert (
            main(["t5", "one two three four five", "--set", "corruption.rate=0.6", "--out", str(tmp_path / name)]) == 0
        )
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_picture_of_another_vocabulary(tmp_path, capsys):
    tiny.tokenizer().save_pretrained(tmp_path / "tokenizer")
    assert main(["bert", "word1 never word2", "--vocabulary", str(tmp_path / "tokenizer")]) == 0
    assert capsys.readouterr().out.startswith("text: [CLS] ")
    assert main(["bert", "a", "--vocabulary", str(tmp_path)]) == 2
    assert "no tokenizer can be read here" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["png", "pdf", "txt"])
def test_other_formats(tmp_path, suffix):
    assert main(["bert", TEXT, "--out", str(tmp_path / "new" / f"x.{suffix}")]) == 0
    assert (tmp_path / f"new/x.{suffix}").stat().st_size > 50


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["brt", TEXT], "did you mean 'bert'?"),
        (["bert", ""], "the text '' has no token"),
        (["xlnet", "a"], "none has a token that xlnet could predict"),
        (["t5", "a b"], "the text is shorter than its noise"),
        (["veco", TEXT], '--pair "another text"'),
        (["bert-nsp", TEXT], '--pair "another text"'),
        (["bert", "word " * 60], "a picture shows at most 48"),
        (["bert", TEXT, "--set", "ratee=1"], "did you mean 'rate'?"),
        (["bert", TEXT, "--set", "rate"], "write it as rate=0.3"),
        (["bert", TEXT, "--set", "masking.x=1"], "unknown key 'masking.x'"),
        (["bert", "--pair", TEXT], "--pair stands beside a text"),
        (["bert", TEXT, "--out", "x.bmp"], "no picture of the kind '.bmp'"),
    ],
)
def test_bad_input_is_told_with_a_remedy(given, said, capsys):
    assert main(given) == 2
    assert said in capsys.readouterr().err


def test_an_objective_or_all_of_them(capsys):
    for words in ([], ["bert", "--all", "x"]):
        with pytest.raises(SystemExit):
            main(words)


def test_settings_are_paths_of_keys():
    assert settings(["rate=0.3", "noise.rate=0.1", "noise.tokens=null"]) == {
        "rate": 0.3,
        "noise": {"rate": 0.1, "tokens": None},
    }


def test_the_command_line():
    found = subprocess.run(
        [sys.executable, "-m", "scriptorium.show", "gpt2", "a b"], capture_output=True, text=True, check=True
    )
    assert (
        found.stdout
        == "text: [CLS] a b *[SEP]*\nreads: [CLS] a b\nprediction:\n  a      #..\n  b      ##.\n  [SEP]  ###\n"
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_committed_picture_shows_what_the_code_draws_and_stands_in_the_docs(name):
    """`python -m scriptorium.show --all docs/images/objectives` makes them anew."""
    tree = ElementTree.parse(PICTURES / f"{name}.svg")
    (description,) = tree.iter("{http://purl.org/dc/elements/1.1/}description")
    assert description.text == picture.of(EXAMPLES[name]).as_text()
    page = (ROOT / "docs/objectives.md").read_text(encoding="utf-8")
    assert f"(images/objectives/{name}.svg)" in page
