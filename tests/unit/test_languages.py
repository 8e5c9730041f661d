"""Proves that tasks in several languages are read by language and split so that no translation of what is trained on is
tested, and that their metrics are means over languages whose intervals count translations once."""

from __future__ import annotations

import json
from dataclasses import astuple
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
import yaml

from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.evaluation import pseudo_values
from scriptorium.evaluation.by_language import kept, measured
from scriptorium.evaluation.pseudo_values import Part
from scriptorium.evaluation.statistics import estimate, estimate_parts
from scriptorium.reporting import languages
from scriptorium.reporting.differences import FinetuneRun, difference
from scriptorium.reporting.spec import TaskInLanguages
from scriptorium.runs import Runs
from scriptorium.spec import overlay
from scriptorium.tasks.kind import kind_of
from tests.own_data import own
from tests.raw import Raw

ROOT = Path(__file__).parents[2]
TAGS = {"kind": "tagging", "labels": ("O", "B-LOC", "I-LOC")}
ENGLISH_GERMAN = {"train": ["en"], "test": ["en", "de"]}
XNLI = {"labels": ("entailment", "neutral", "contradiction"), "options": {"task": "xnli"}}


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def tagged(language: str, count: int) -> str:
    return "".join(f"{language}{n}\tB-LOC\nis\tO\n\n" for n in range(count))


def pairs(language: str, count: int) -> str:
    labels = XNLI["labels"]
    return "".join(f"{language} premise {n // 3}\t{language} hypothesis {n}\t{labels[n % 3]}\n" for n in range(count))


def languages_of(made: dict[str, pd.DataFrame]) -> dict[str, dict[str, int]]:
    return {name: table["language"].value_counts().to_dict() for name, table in made.items()}


# --- readers ------------------------------------------------------------------------------------------------------


def test_where_there_is_no_test_dev_is_tested_in_every_language_and_validation_is_cut_from_train(raw):
    files = {"train-en.tsv": tagged("en", 40), "train-de.tsv": tagged("de", 40), "dev-ar.tsv": tagged("ar", 5)}
    files |= {"dev-en.tsv": tagged("a", 9), "dev-de.tsv": tagged("b", 8)}
    made = raw.task("tagged", files, **TAGS, languages=ENGLISH_GERMAN)
    assert languages_of(made) == {"train": {"en": 36}, "validation": {"en": 4}, "test": {"en": 9, "de": 8}}
    assert list(made["test"].columns) == ["id", "text", "text_b", "label", "language"]
    assert sorted(made["test"]["text"])[:2] == ["a0 is", "a1 is"] and made["test"]["label"][0].tolist() == [1, 0]


def test_validation_is_in_the_languages_of_train_and_limits_are_per_language(raw):
    files = {
        f"{split}-{code}.tsv": tagged(split + code, 20) for split in ("train", "dev", "test") for code in ("en", "de")
    }
    made = raw.task("tagged", files, **TAGS, languages=ENGLISH_GERMAN, limits={"train": 12, "validation": 3, "test": 7})
    assert languages_of(made) == {"train": {"en": 12}, "validation": {"en": 3}, "test": {"en": 7, "de": 7}}
    both = {"train": ["en", "de"], "test": ["de"]}
    made = raw.task("tagged", files, **TAGS, languages=both)
    assert languages_of(made) == {"train": {"en": 20, "de": 20}, "validation": {"en": 20, "de": 20}, "test": {"de": 20}}


def test_no_translation_of_what_is_trained_on_is_tested(raw):
    files = {f"dev-{code}.tsv": pairs(code, 90) for code in ("en", "de", "fr")}
    wanted = {"train": ["en"], "test": ["de", "fr"]}
    limits = {"train": 60, "validation": 12, "test": 18}
    made = raw.task("text_pairs", files, **XNLI, languages=wanted, limits=limits)
    assert languages_of(made) == {"train": {"en": 60}, "validation": {"en": 12}, "test": {"de": 18, "fr": 18}}
    premises = {name: {text.split()[-1] for text in table["text"]} for name, table in made.items()}
    assert not premises["train"] & premises["test"] and not premises["train"] & premises["validation"]
    of_german, of_french = (set(made["test"]["id"][made["test"]["language"] == code]) for code in ("de", "fr"))
    assert of_german == of_french


def test_the_authors_tables_with_a_header_tell_the_language_by_a_column_or_a_folder(raw):
    head = "language\tgold_label\tsentence1\tsentence2\tpairID\n"
    rows = [
        f"{code}\t{label}\tp {code} {n}\th\t{n}\n"
        for code in ("de", "en", "ar")
        for n, label in enumerate(XNLI["labels"])
    ]
    train = "premise\thypo\tlabel\n" + "".join(f"p {n}\th {n}\tcontradictory\n" for n in range(20))
    files = {"multinli/multinli.train.en.tsv": train, "xnli.dev.tsv": head + "".join(rows)}
    made = raw.task("text_pairs", files, **XNLI, languages=ENGLISH_GERMAN)
    assert languages_of(made)["test"] == {"en": 3, "de": 3} and set(made["train"]["label"]) == {2}
    table = "id\tsentence1\tsentence2\tlabel\n" + "".join(f"{n}\ta {n}\tb {n}\t{n % 2}\n" for n in range(10))
    files = {
        f"x-final/{code}/{name}.tsv": table.replace("a ", f"{code} {name} ")
        for code, name in (
            ("en", "train"),
            ("de", "translated_train"),
            ("en", "dev_2k"),
            ("en", "test_2k"),
            ("de", "test_2k"),
        )
    }
    settings = {"labels": ("different", "paraphrase"), "options": {"task": "pawsx"}}
    made = Raw(raw.root / "b").task("text_pairs", files, **settings, languages=ENGLISH_GERMAN)
    assert languages_of(made) == {"train": {"en": 10}, "validation": {"en": 10}, "test": {"en": 10, "de": 10}}


def test_the_hubs_parquet_names_its_tags(raw):
    def parquet(prefix: str, names: list[str]) -> bytes:
        table = pyarrow.table(
            {"tokens": [[f"{prefix}{n}", "x y", "\u200b"] for n in range(20)], "ner_tags": [[1, 2, 0]] * 20}
        )
        info = {"info": {"features": {"ner_tags": {"feature": {"names": names, "_type": "ClassLabel"}}}}}
        handle = BytesIO()
        pyarrow.parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), handle)
        return handle.getvalue()

    names = ["O", "B-LOC", "I-LOC"]
    files = {
        f"{code}/{split}-00000-of-00001.parquet": parquet(f"{code}{split}", names)
        for code in ("en", "de")
        for split in ("train", "validation", "test")
    }
    made = raw.task("tagged", files, **TAGS, languages=ENGLISH_GERMAN)
    assert languages_of(made) == {"train": {"en": 20}, "validation": {"en": 20}, "test": {"en": 20, "de": 20}}
    assert made["test"]["text"][0].split()[1:] == ["xy", "\ufffd"]
    assert made["test"]["label"][0].tolist() == [1, 2, 0]


def squad(language: str, articles: int) -> str:
    data = []
    for n in range(articles):
        context = f"{language} {n} lies there."
        question = {
            "id": f"q{n}",
            "question": f"{language} where {n}?",
            "answers": [{"text": "there", "answer_start": context.index("there")}],
        }
        data.append({"paragraphs": [{"context": context, "qas": [question]}]})
    return json.dumps({"data": data})


def test_questions_are_trained_on_squad_and_tested_on_xquad_without_crossed_pairs(raw):
    files = {"squad/train-v1.1.json": squad("train", 30), "squad/dev-v1.1.json": squad("dev", 10)}
    files |= {
        "xquad/xquad.en.json": squad("en", 6),
        "xquad/xquad.de.json": squad("de", 6),
        "xquad/xquad.ar.json": squad("ar", 6),
    }
    files |= {"mlqa/test-context-de-question-en.json": squad("crossed", 6)}
    settings = {"kind": "question_answering", "labels": (), "options": {"unnamed": "en"}}
    made = raw.task("squad", files, **settings, languages=ENGLISH_GERMAN)
    assert languages_of(made) == {"train": {"en": 30}, "validation": {"en": 10}, "test": {"en": 6, "de": 6}}
    assert not made["test"]["text"].str.contains("ar where|crossed").any()


def test_the_files_as_they_are_passed_on_are_read(raw):
    folder = own("xtreme_xnli")
    files = {f"dev-{code}.tsv.gz": (folder / f"dev-{code}.tsv.gz").read_bytes() for code in ("en", "de", "sw")}
    limits, wanted = {"train": 1600, "validation": 280, "test": 500}, {"train": ["en"], "test": ["de", "sw"]}
    made = raw.task("text_pairs", files, **XNLI, languages=wanted, limits=limits)
    assert 1500 <= len(made["train"]) <= 1600 and 900 <= len(made["test"]) <= 1000
    numbers = {name: set(table["id"]) for name, table in made.items()}
    assert not numbers["train"] & numbers["test"]


# --- metrics ------------------------------------------------------------------------------------------------------


def predicted(sizes: dict[str, int], seed: int = 0, shares: tuple[float, ...] = (0.9, 0.6)) -> pd.DataFrame:
    """Classes, of which a share is right in each language; ids count, so they are common to the languages."""
    generator, parts = np.random.default_rng(seed), []
    for (code, size), share in zip(sizes.items(), shares, strict=True):
        labels = np.arange(size) % 2
        right = generator.random(size) < share
        made = {
            "id": [f"test-{n}" for n in range(size)],
            "label": labels,
            "prediction": np.where(right, labels, 1 - labels),
        }
        parts.append(pd.DataFrame({**made, "probability_no": 0.5, "probability_yes": 0.5, "language": code}))
    return pd.concat(parts, ignore_index=True)


def test_a_tasks_metric_is_the_mean_over_languages_not_over_examples():
    kind, made = kind_of("classification"), predicted({"en": 300, "de": 20})
    found = measured(kind, made, ("no", "yes"))
    right = made["label"] == made["prediction"]
    single = {code: right[made["language"] == code].mean() for code in ("en", "de")}
    assert found["accuracy/en"] == pytest.approx(single["en"]) and found["accuracy/de"] == pytest.approx(single["de"])
    assert found["accuracy"] == pytest.approx(np.mean(list(single.values())))
    assert abs(found["accuracy"] - right.mean()) > 0.05
    plain = made.drop(columns="language")
    assert measured(kind, plain, ("no", "yes")) == kind.measured(plain, ("no", "yes"))
    assert kept(plain, plain) is plain


def test_pseudo_values_of_parts_are_those_of_leaving_out_each_item_with_all_its_translations():
    generator = np.random.default_rng(0)
    rows = [generator.integers(0, 3, (2, size, 2)) + 1.0 for size in (5, 4, 6)]
    items = [np.arange(5), np.array([0, 1, 2, 5]), np.array([1, 1, 6, 6, 6, 0])]
    weights = [0.5, 0.25, 0.25]

    def metric(sums):
        return sums[..., 0] / (sums[..., 0] + sums[..., 1])

    def whole(left_out=None):
        return sum(w * metric(r[:, i != left_out].sum(axis=1)) for w, r, i in zip(weights, rows, items, strict=True))

    parts = [Part(r, i, metric, w) for r, i, w in zip(rows, items, weights, strict=True)]
    value, pseudo = pseudo_values.of_parts(parts, 7)
    assert np.allclose(value, whole())
    expected = np.stack([7 * whole() - 6 * whole(item) for item in range(7)], axis=-1)
    assert np.allclose(pseudo, expected)


def test_one_language_alone_has_the_interval_of_a_task_without_languages():
    rows = np.random.default_rng(0).integers(0, 2, (3, 40, 1)).astype(float)
    both = np.concatenate([rows, np.ones_like(rows)], axis=-1)

    def metric(sums):
        return sums[..., 0] / sums[..., 1]

    found = estimate_parts([Part(both, np.arange(40), metric, 1.0)], 40)
    assert astuple(found) == pytest.approx(astuple(estimate(both, metric)))


def test_translations_do_not_count_as_new_examples():
    """The same right answers in two languages say no more than in one."""
    right = np.random.default_rng(0).integers(0, 2, (3, 40, 1)).astype(float)
    rows = np.concatenate([right, np.ones_like(right)], axis=-1)

    def metric(sums):
        return sums[..., 0] / sums[..., 1]

    one = estimate_parts([Part(rows, np.arange(40), metric, 1.0)], 40)
    two = estimate_parts([Part(rows, np.arange(40), metric, 0.5)] * 2, 40)
    assert (two.value, two.low, two.high) == pytest.approx((one.value, one.low, one.high))


# --- tables -------------------------------------------------------------------------------------------------------

CLASSES = TaskInLanguages(
    kind="classification", labels=("no", "yes"), metric="test/accuracy", train=("en",), xtreme="xnli"
)


def runs(shares: dict[str, tuple[float, float]], task: str = "xnli", seeds: int = 3) -> list[FinetuneRun]:
    made = []
    for number, (variant, own_shares) in enumerate(shares.items()):
        for seed in range(seeds):
            table = predicted({"en": 200, "de": 200}, 100 * number + seed, own_shares)
            found = measured(kind_of("classification"), table, ("no", "yes"))
            metrics = {f"test/{name}": value for name, value in found.items()}
            made.append(FinetuneRun(variant, task, seed, metrics, table.set_index("id")))
    return made


def test_the_table_has_every_language_its_mean_and_the_difference_to_the_baseline():
    made = runs({"xlm": (0.9, 0.6), "veco": (0.9, 0.8)})
    table = languages.table_of_languages(made, "xlm", {"xnli": CLASSES})
    rows = table[table["metric"] == "accuracy"].set_index(["task", "variant", "language"]).sort_index()
    mean = {
        code: np.mean([run.metrics[f"test/accuracy/{code}"] for run in made if run.variant == "veco"])
        for code in ("en", "de")
    }
    ours = rows.loc["xnli", "veco"]
    assert ours["value"].to_dict() == pytest.approx({**mean, "mean": np.mean(list(mean.values()))})
    assert ours.loc["de", "delta"] > 0.1 and ours.loc["de", "delta_ci_low"] > 0
    assert ours.loc["en", "delta_ci_low"] < 0 < ours.loc["en", "delta_ci_high"]
    assert rows.loc["xnli", "xlm"]["delta"].isna().all()
    assert set(ours["n"]) == {200} and set(ours["seeds"]) == {3} and set(ours["train_languages"]) == {"en"}
    assert (ours["ci_low"] < ours["value"]).all() and (ours["value"] < ours["ci_high"]).all()
    whole = difference(
        [r for r in made if r.variant == "veco"], [r for r in made if r.variant == "xlm"], CLASSES, "test/accuracy"
    )
    assert whole.comparison.difference == pytest.approx(ours.loc["mean", "delta"])
    assert (whole.comparison.low, whole.comparison.high) == pytest.approx(
        tuple(ours.loc["mean", ["delta_ci_low", "delta_ci_high"]])
    )


def test_xtremes_average_is_the_plain_mean_of_the_tasks_scores_and_says_how_many_there_are():
    made = runs({"xlm": (0.9, 0.6), "veco": (0.9, 0.8)}) + runs({"xlm": (0.7, 0.7), "veco": (0.7, 0.7)}, "paws")
    tasks = {"xnli": CLASSES, "paws": CLASSES.model_copy(update={"xtreme": "pawsx"})}
    table = languages.table_of_languages(made, "xlm", tasks)
    scores = table[(table["metric"] == "score") & (table["language"] == "mean")].set_index(["variant", "task"])["value"]
    for variant in ("xlm", "veco"):
        assert scores[variant, "xtreme"] == pytest.approx((scores[variant, "xnli"] + scores[variant, "paws"]) / 2)
    assert "XTREME's average is over 2 of its 9 tasks" in languages.coverage(tasks, table)
    assert "xnli: 2 of the 15 languages of XTREME's xnli" in languages.coverage(tasks, table)
    other = {"xnli": CLASSES, "paws": CLASSES.model_copy(update={"xtreme": None})}
    assert "xtreme" not in set(languages.table_of_languages(made, "xlm", other)["task"])


def test_the_figure_is_drawn(tmp_path):
    table = languages.table_of_languages(runs({"xlm": (0.9, 0.6), "veco": (0.9, 0.8)}), "xlm", {"xnli": CLASSES})
    assert languages.figure(table, tmp_path / "a.svg").stat().st_size > 1000


# --- configuration ------------------------------------------------------------------------------------------------


def overlaid(**changes: dict) -> Runs:
    """The overlay of zero-shot transfer, with other settings of its task xnli."""
    values, more = (
        yaml.safe_load((ROOT / f"config/{n}.yaml").read_text("utf-8")) for n in ("config", "small_crosslingual")
    )
    more["tasks"]["xnli"] |= changes
    return Runs(loading.load(overlay(values, more), ROOT))


def test_the_overlay_plans_its_tasks_and_their_table():
    runs = overlaid()
    made = json.loads(runs.plan("tabulate_languages", study="crosslingual").spec)
    assert {name: task["xtreme"] for name, task in made["tasks"].items()} == {n: n for n in ("panx", "udpos", "xnli")}
    assert made["tasks"]["panx"]["metric"] == "test/f1" and made["tasks"]["panx"]["train"] == ["en"]
    assert runs.figures(["crosslingual"])[1:] == ["results/tables/languages_crosslingual.tsv"]
    assert "languages" not in runs.plan("finetune", variant="bert", task="panx", seed="0").spec
    assert json.loads(runs.plan("prepare_task", task="mlqa").spec)["languages"]["test"] == ["en", "de"]
    with pytest.raises(UserError, match="task sentiment of study cogbert-controls has no languages"):
        runs.plan("tabulate_languages", study="cogbert-controls")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"languages": {"train": ["en"], "test": ["ja"]}}, r"tasks\.xnli\.xtreme: xnli: unknown language of xnli 'ja'"),
        ({"languages": {"train": ["en"], "test": ["en", "xy"]}}, "unknown language 'xy'"),
        ({"answers": {"scorer": "mlqa"}}, r"scored otherwise\n  remedy: set answers: \{scorer: squad\}"),
        ({"xtreme": "panx"}, "is of kind tagging and has languages"),
        ({"xtreme": "xlni"}, "unknown value 'xlni', did you mean 'xnli'"),
    ],
)
def test_what_is_not_xtremes_task_is_not_called_so(changes, part):
    with pytest.raises(UserError, match=part):
        overlaid(**changes)
