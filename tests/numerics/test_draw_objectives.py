"""Proves that the page of a study's objectives shows each as its recipe trains it, and that the same study gives the
same bytes."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ElementTree
from html import unescape
from pathlib import Path

import pytest
import yaml

from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.runs import Runs
from scriptorium.show import picture
from scriptorium.show.spec import LONG, SEED, ShowSpec
from scriptorium.stages import draw_objectives
from tests import tiny

ROOT = Path(__file__).parents[2]
NAMES = ["even-mlm", "even-gpt2", "even-bart-infill", "even-t5", "even-glm"]


@pytest.fixture(scope="module")
def runs() -> Runs:
    return Runs(loading.load(yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8")), ROOT))


def test_every_variant_of_the_study_is_drawn_as_its_recipe_trains_it(runs, tmp_path, monkeypatch):
    whole = runs.draw_objectives("objectives")
    assert tuple(each.variant for each in whole.pictures) == runs.config.pretraining.studies["objectives"].variants
    chosen = tuple(each for each in whole.pictures if each.variant in NAMES)
    spec = draw_objectives.DrawObjectivesSpec.from_json(whole.model_copy(update={"pictures": chosen}).canonical())
    names = {"page": "objectives_objectives.html"}
    one, two = tiny.run_twice(draw_objectives, spec, {}, names, tmp_path, monkeypatch)
    assert one == two
    html = one["page"].decode()
    assert re.findall(r"<h2>(\S+) ", html) == NAMES and "http" not in html
    for name, alt, image in zip(
        NAMES, re.findall(r"alt='(.*?)' src", html, re.DOTALL), re.findall(r"base64,(.*?)'", html), strict=True
    ):
        objective = runs.project.variants[name].recipe.objective
        drawn = picture.of(ShowSpec(objective=objective, texts=(LONG,), seed=SEED))
        assert unescape(alt) == drawn.as_text()
        (description,) = ElementTree.fromstring(base64.b64decode(image)).iter(
            "{http://purl.org/dc/elements/1.1/}description"
        )
        assert description.text == drawn.as_text()


def test_all_objectives_of_all_studies_can_be_drawn(runs):
    """Two-sided ones on a sentence and its translation; each with the rates of its recipe."""
    seen = {}
    for study in runs.config.pretraining.studies.values():
        for name in study.variants:
            if runs.project.variants[name].recipe.stage == "pretrain":
                made = ShowSpec.of_recipe(runs.project.variants[name].recipe.objective)
                seen.setdefault(made.canonical(), made)
    for made in seen.values():
        assert any(term.predicts for term in picture.of(made).terms)


def test_a_page_is_asked_for_by_a_study_and_stands_among_its_tables(runs):
    tables = runs.programme_tables("objectives")
    assert "results/figures/objectives_objectives.html" in tables
    assert not any("figures/objectives_" in path for path in runs.programme_tables("mpnet"))
    with pytest.raises(UserError, match="unknown pre-training study 'objektives', did you mean 'objectives'"):
        runs.draw_objectives("objektives")
