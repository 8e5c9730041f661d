"""Proves that every text of a task gets its own translation: from the task's rows, or from files of translations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.runs import Runs
from scriptorium.spec import overlay
from scriptorium.tasks.kinds import question_answering
from tests.own_data import own
from tests.raw import Raw
from tests.workflow.miniature import REPOSITORY as ROOT

LABELS = ("entailment", "neutral", "contradiction")
XNLI = {"options": {"task": "xnli"}, "labels": LABELS}
TAGGED = {"kind": "tagging", "labels": ("O", "B-LOC")}
INTO = {"en": "de", "de": "en", "fr": "en"}
EN_DE = {"train": ["en"], "test": ["en", "de", "fr"]}


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def rows(language: str, split: str, count: int = 20) -> str:
    """The words tell language, split and row."""
    return "".join(f"{language} {split} {n}\tso {language} {split} {n}\t{LABELS[n % 3]}\n" for n in range(count))


def of_splits(*languages: str) -> dict[str, str]:
    return {f"{split}-{own}.tsv": rows(own, split) for own in languages for split in ("train", "dev", "test")}


def beside(table: pd.DataFrame) -> set[tuple]:
    return set(zip(table["language"], table["translation_language"], strict=True))


def check(splits: dict[str, pd.DataFrame], into: dict[str, str]) -> None:
    for table in splits.values():
        for row in table.itertuples():
            assert row.translation_language == into[row.language]
            assert row.translation == row.text.replace(row.language, row.translation_language, 1)
            assert row.translation_b == f"so {row.translation}"


def test_rows_of_one_id_stand_beside_one_another(raw):
    splits = raw.task("text_pairs", of_splits("en", "de", "fr"), **XNLI, languages=EN_DE, translations={"into": INTO})
    check(splits, INTO)
    assert beside(splits["train"]) == {("en", "de")} == beside(splits["validation"])
    assert beside(splits["test"]) == {("en", "de"), ("de", "en"), ("fr", "en")}
    assert {split: len(table) for split, table in splits.items()} == {"train": 20, "validation": 20, "test": 60}


def test_a_language_that_is_only_translated_into_is_no_language_of_the_task(raw):
    into = {"en": "es", "de": "es", "fr": "es"}
    files = of_splits("en", "de", "fr", "es")
    splits = raw.task("text_pairs", files, **XNLI, languages=EN_DE, translations={"into": into})
    check(splits, into)
    assert set(splits["test"]["language"]) == {"en", "de", "fr"}
    plain = raw.task("text_pairs", files, **XNLI, languages=EN_DE)
    for split, table in splits.items():
        assert table[plain[split].columns].equals(plain[split]), "the examples are those without translations"
    assert not any(name.startswith("translation") for name in plain["test"])


def test_where_splits_are_cut_here_a_text_and_its_translation_stay_in_one(raw):
    files = {f"dev-{own}.tsv": rows(own, "dev", 60) for own in ("en", "de", "fr")}
    splits = raw.task("text_pairs", files, **XNLI, languages=EN_DE, translations={"into": INTO})
    check(splits, INTO)
    texts = {name: {*table["text"], *table["translation"]} for name, table in splits.items()}
    assert not texts["train"] & texts["test"] and not texts["train"] & texts["validation"]


def test_files_of_translations_are_found_by_the_text_in_any_order(raw):
    """XTREME's translate-train: text, text, translation, translation, class; and its translate-test the other way."""
    lines = [f"en train {n}\tso en train {n}\tde train {n}\tso de train {n}\tneutral" for n in range(20)]
    train = [*lines[::-1], "a row\tof three\tcells", "\t".join(["surplus"] * 5)]
    held_out = [
        f"{a} {split} {n}\tso {a} {split} {n}\t{b} {split} {n}\tso {b} {split} {n}"
        for a, b in (("en", "de"), ("de", "en"), ("fr", "en"))
        for split in ("dev", "test")
        for n in range(20)
    ]
    of = {pair: [row for row in held_out if row.startswith(pair[:2])] for pair in ("en-de", "de-en", "fr-en")}
    translated = {"translate-train/en-de-translated.tsv": "\n".join(train)}
    translated |= {f"translate-test/test-{pair}-translated.tsv": "\n".join(own) for pair, own in of.items()}
    given = {"into": INTO, "dataset": "mine"}
    splits = raw.task(
        "text_pairs", of_splits("en", "de", "fr"), translated, **XNLI, languages=EN_DE, translations=given
    )
    check(splits, INTO)
    broken = "1 rows of translations do not have 4 texts, the first is en-de-translated.tsv, line 21"
    assert broken in raw.events("note")


def test_words_with_tags_have_translations_of_their_sentences_and_train_may_have_them_alone(raw):
    files = {
        f"{split}.tsv": "".join(f"{split}{n}\tB-LOC\nist\tO\n\n" for n in range(12))
        for split in ("train-en", "dev-en", "test-en", "test-de")
    }
    translated = {"en-de.tsv": "".join(f"train-en{n} ist\tDas ist train-en{n}\n" for n in range(12))}
    given = {"into": {"en": "de"}, "dataset": "mine", "train_only": True}
    languages = {"train": ["en"], "test": ["en", "de"]}
    splits = raw.task("tagged", files, translated, **TAGGED, languages=languages, translations=given)
    assert splits["train"]["translation"].eq("Das ist " + splits["train"]["text"].str.removesuffix(" ist")).all()
    assert splits["train"]["translation_b"].isna().all()
    assert "translation" not in splits["test"] and "translation" not in splits["validation"]


def test_a_language_that_is_its_own_stands_beside_itself(raw):
    into = {**INTO, "en": "en"}
    splits = raw.task("text_pairs", of_splits("en", "de", "fr"), **XNLI, languages=EN_DE, translations={"into": into})
    check(splits, into)


def test_xnlis_own_rows_are_translations_of_one_another(raw):
    folder, every = own("xtreme_xnli"), ("en", "de", "sw")
    files = {path.name: path.read_bytes() for own in every for path in folder.glob(f"dev-{own}.tsv.gz")}
    into = {"en": "de", "de": "en", "sw": "en"}
    limits = {"train": 30, "validation": 9, "test": 9}
    languages = {"train": ["en"], "test": every}
    splits = raw.task("text_pairs", files, **XNLI, languages=languages, limits=limits, translations={"into": into})
    assert beside(splits["test"]) == set(into.items()) and len(splits["test"]) == 9 * len(every)
    english = splits["test"][splits["test"]["language"] == "en"].set_index("id")
    others = splits["test"][splits["test"]["language"] != "en"]
    assert (others["translation"].to_numpy() == english["text"][others["id"]].to_numpy()).all()


# --- refusals -------------------------------------------------------------------------------------------------------


def lines(count: int, into: str = "de", split: str = "train") -> str:
    return "".join(f"en {split} {n}\tso en {split} {n}\t{into} {n}\tso {into} {n}\tneutral\n" for n in range(count))


ENGLISH = {"train": ["en"], "test": ["en"]}
FROM_FILES = {"into": {"en": "de"}, "dataset": "mine", "train_only": True}


@pytest.mark.parametrize(
    ("translated", "settings", "parts"),
    [
        (
            {"en-de-translated.tsv": lines(15)},
            {"translations": FROM_FILES},
            (
                "en-de-translated.tsv: the translations from 'en' into 'de' do not cover the task: 5 of 20 "
                "texts of train have none, the first is 'train-16': 'en train 15'",
                "remedy: add a row with this text",
            ),
        ),
        (
            {"en-de-translated.tsv": lines(19) + "en train 19\tso en train 19\tde 19\n"},
            {"translations": FROM_FILES},
            (
                "1 of 20 texts",
                "(1 rows were left out for their number of cells, the first is en-de-translated.tsv, line 20)",
            ),
        ),
        (
            {"en-fr-translated.tsv": lines(20, "fr")},
            {"translations": FROM_FILES},
            ("no file of translations from 'en' into 'de'", "en-de-translated.tsv", "{en: en}"),
        ),
        (
            {"de-en-translated.tsv": lines(20)},
            {"translations": FROM_FILES},
            ("no file of translations from 'en' into 'de'",),
        ),
        (
            {"en-de-translated.tsv": lines(20)},
            {"translations": {**FROM_FILES, "train_only": False}},
            ("20 of 20 texts of validation have none, the first is 'validation-1': 'en dev 0'",),
        ),
        (
            {"en-de-translated.tsv": "Köln\tO\tC\tD\n".encode("latin-1")},
            {"translations": FROM_FILES},
            ("en-de-translated.tsv", "line 1", "not UTF-8"),
        ),
        (
            {},
            {"translations": {"into": {"en": "de"}}, "languages": {"train": ["en"], "test": ["en"]}},
            ("no train of language 'de'",),
        ),
    ],
)
def test_translations_that_do_not_cover_the_task_are_refused_with_file_first_row_and_remedy(
    raw, translated, settings, parts
):
    with pytest.raises(UserError) as caught:
        raw.task("text_pairs", of_splits("en"), translated, **{**XNLI, "languages": ENGLISH, **settings})
    text = str(caught.value)
    for part in parts:
        assert part in text, text
    assert "remedy:" in text


def test_a_row_that_one_language_lacks_is_named(raw):
    files = of_splits("en", "de", "fr") | {"test-de.tsv": rows("de", "test", 17)}
    with pytest.raises(UserError) as caught:
        raw.task("text_pairs", files, **XNLI, languages=EN_DE, translations={"into": INTO})
    assert "from 'en' into 'de' do not cover the task: 3 of 20 texts of test" in str(caught.value)
    assert "'test-18'" in str(caught.value) and "both languages, under the same ids" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"into": {"en": "de"}}, r"translations\.into: say what stands beside texts in de, fr"),
        ({"into": INTO | {"es": "en"}}, r"translations\.into: the task needs none for texts in es"),
        ({"into": INTO, "train_only": True}, r"translations\.into: the task needs none for texts in de, fr"),
        ({"into": INTO | {"en": "xx"}}, "unknown language 'xx'"),
        ({}, "into"),
    ],
)
def test_a_task_says_what_stands_beside_each_of_its_languages(raw, settings, part):
    with pytest.raises(UserError, match=part):
        raw.task("text_pairs", of_splits("en", "de", "fr"), **XNLI, languages=EN_DE, translations=settings)


def test_texts_that_are_not_the_same_in_all_languages_need_files(raw):
    with pytest.raises(UserError, match="the texts of reader 'tagged' are not the same in all languages"):
        raw.task("tagged", {"train-en.tsv": "a\tO\n"}, **TAGGED, languages=ENGLISH, translations={"into": {"en": "de"}})


# --- configuration --------------------------------------------------------------------------------------------------


def overlaid(root: Path = ROOT, **changes: dict) -> Runs:
    """The overlay of zero-shot transfer, changed."""
    values, more = (
        yaml.safe_load((ROOT / f"config/{name}.yaml").read_text("utf-8")) for name in ("config", "small_crosslingual")
    )
    return Runs(loading.load(overlay(overlay(values, more), changes), root))


def test_files_of_translations_are_an_input_of_the_task():
    given = {"dataset": "xtreme-xnli-translations", "into": INTO}
    runs = overlaid(tasks={"xnli": {"translations": given}})
    assert runs.task_translations("xnli") == ["resources/xtreme-xnli-translations/manifest.json"]


def test_the_overlay_plugs_in_where_there_are_translations():
    runs = overlaid()
    variants = runs.config.studies["plug-in"].variants
    assert {"tuned-xlm", "tuned-veco", "tuned-veco-in", "tuned-veco-in-shuffled"} <= set(variants)
    spec = json.loads(runs.plan("finetune", variant="tuned-veco-in", task="xnli-translated", seed="0").spec)
    assert spec["plug_in"]["at_test"] == "translation" and spec["plug_in"]["predicts"] == "x"
    data = json.loads(runs.plan("prepare_task", task="xnli-translated").spec)
    assert data["translations"]["into"] == {"en": "de", "de": "en", "fr": "en"}
    assert runs.task_translations("xnli-translated") == runs.task_translations("xnli") == []


STUDY = {"baseline": "tuned-xlm", "variants": ["tuned-xlm", "tuned-veco-in"], "tasks": ["xnli-translated"]}


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (
            {"studies": {"mine": {**STUDY, "tasks": ["panx"]}}},
            "studies.mine: tuned-veco-in is plugged in and reads translations, but task panx has none\n"
            "  remedy: set tasks.panx.translations",
        ),
        (
            {"tasks": {"xnli-translated": {"translations": {"train_only": True}}}, "studies": {"mine": STUDY}},
            "but task xnli-translated has those of train alone\n  remedy: set plug_in: {at_test: alone}",
        ),
        (
            {"tasks": {"xnli": {"translations": {"into": INTO, "dataset": "nowhere"}}}},
            "tasks.xnli.translations.dataset: unknown data set 'nowhere'",
        ),
    ],
)
def test_a_study_that_cannot_plug_in_is_refused_before_any_job(changes, part):
    with pytest.raises(UserError) as caught:
        overlaid(**changes)
    assert part in str(caught.value)


def test_a_kind_without_a_head_for_plug_in_cannot_have_translations(monkeypatch):
    monkeypatch.setattr(question_answering.KIND, "plugged_head", "")
    with pytest.raises(UserError, match="translations: plug-in fine-tuning cannot read a task of kind question_answer"):
        overlaid()


@pytest.mark.parametrize("backbone", ["xlm", "mlm-pairs", "bert-small", "tuned"])
def test_a_backbone_that_was_pre_trained_without_cross_attention_is_refused_before_any_job(tmp_path, backbone):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    with (tmp_path / "config/ablations.tsv").open("a", encoding="utf-8") as table:
        table.write(f"mine\tfinetune-small\t{{backbone: {backbone}, plug_in: {{}}}}\t\t\tmine\n")
    changes = {"studies": {"mine": {"baseline": "mine", "variants": ["mine"], "tasks": ["xnli-translated"]}}}
    changes["backbones"] = {"tuned": {"finetuned": "tuned-veco", "task": "xnli-translated"}}
    with pytest.raises(UserError) as caught:
        overlaid(tmp_path, **changes)
    assert f"studies.mine: mine is plugged in, but its backbone {backbone!r} has no cross-attention" in str(
        caught.value
    )
