"""Proves that tables say what the runs say, that verdicts need evidence, that tables and figures repeat to the byte,
and that every caption renders."""

from __future__ import annotations

import json

import jinja2
import numpy as np
import pandas as pd
import pytest

from scriptorium import ledger, manifest
from scriptorium.errors import UserError
from scriptorium.evaluation import classification, tagging, word_measures
from scriptorium.reporting import finetuning, pretraining, verdicts
from scriptorium.reporting.spec import TaskInTables
from scriptorium.stages import tabulate_finetune, tabulate_pretrain
from tests.tiny import run_twice

EXAMPLES = 400


def finetuned(root, variant, task, seed, hits, *, ids=None, metrics=None):
    """A fine-tuning run whose predictions are right where `hits` [EXAMPLES] holds; returns its manifest."""
    directory = root / "results/finetune" / variant / task / f"seed{seed}"
    directory.mkdir(parents=True)
    labels = np.arange(len(hits)) % 2
    predictions = np.where(hits, labels, 1 - labels)
    table = {"id": ids or [f"e{i}" for i in range(len(hits))], "label": labels, "prediction": predictions}
    pd.DataFrame({**table, "probability_no": 0.5, "probability_yes": 0.5}).to_parquet(directory / "predictions.parquet")
    values = metrics or {"test/accuracy": float(np.mean(hits))}
    (directory / "metrics.json").write_text(json.dumps(values))
    return manifest.write(directory, [directory / "metrics.json", directory / "predictions.parquet"])


def hits(share, seed):
    return np.random.default_rng([7, seed]).random(EXAMPLES) < share


def related(share, variant, seed, redrawn=0.3):
    """Hits as fine-tuned variants have them: examples are as hard for one as for the other, but for a share that is
    drawn anew for the variant, and a tenth of it for each seed."""
    ease = np.random.default_rng(7).random(EXAMPLES)
    for key, part in (([8, variant], redrawn), ([9, variant, seed], 0.03)):
        generator = np.random.default_rng(key)
        ease = np.where(generator.random(EXAMPLES) < part, generator.random(EXAMPLES), ease)
    return ease < share


def shown(metric="test/accuracy", kind="classification", labels=("no", "yes"), tasks=("mood", "pairs")):
    """Tasks as a study's tables show them."""
    return dict.fromkeys(tasks, TaskInTables(kind=kind, labels=labels, metric=metric))


def made(paths, baseline="bert", tasks=None):
    runs = [finetuning.read(path) for path in paths]
    table = finetuning.table_of_variants(runs, baseline, tasks=tasks or shown())
    return table.set_index(["task", "variant"])


def test_table_has_the_means_deviations_and_paired_differences_of_the_runs(tmp_path):
    shares = {("bert", 0): 0.7, ("bert", 1): 0.72, ("cogbert", 0): 0.8, ("cogbert", 1): 0.78}
    right = {key: hits(share, seed) for seed, (key, share) in enumerate(shares.items())}
    table = made([finetuned(tmp_path, v, "mood", s, right[v, s]) for v, s in shares])
    base, ours = table.loc["mood", "bert"], table.loc["mood", "cogbert"]
    accuracies = [right["cogbert", s].mean() for s in (0, 1)]
    assert ours["mean"] == pytest.approx(np.mean(accuracies))
    assert ours["sd"] == pytest.approx(np.std(accuracies, ddof=1))
    assert base["mean"] == ours["baseline_mean"] == pytest.approx(np.mean([right["bert", s].mean() for s in (0, 1)]))
    assert ours["delta"] == pytest.approx(ours["mean"] - base["mean"])
    assert ours["ci_low"] < ours["delta"] < ours["ci_high"]
    assert base["verdict"] == "baseline" and np.isnan(base["delta"])


def test_a_large_difference_is_better_or_worse_and_none_is_not_shown(tmp_path):
    variants = {"bert": 0.7, "good": 0.9, "bad": 0.5, "same": 0.7}
    paths = [
        finetuned(tmp_path, name, "mood", seed, related(share, i, seed))
        for i, (name, share) in enumerate(variants.items())
        for seed in range(5)
    ]
    found = made(paths).loc["mood"]["verdict"].to_dict()
    assert found == {"bert": "baseline", "good": "better", "bad": "worse", "same": "no difference shown"}


def test_p_values_are_corrected_over_all_tasks_of_the_study(tmp_path):
    paths = [
        finetuned(tmp_path, name, task, seed, hits(share, 100 * j + 10 * i + seed))
        for j, task in enumerate(("mood", "pairs"))
        for i, (name, share) in enumerate({"bert": 0.7, "a": 0.75, "b": 0.74}.items())
        for seed in range(2)
    ]
    tested = made(paths).dropna(subset=["p"])
    assert len(tested) == 4
    smallest = tested["p"].idxmin()
    assert tested.loc[smallest, "p_holm"] == pytest.approx(min(1, 4 * tested.loc[smallest, "p"]))
    assert (tested["p_holm"] >= tested["p"]).all()


def test_few_seeds_are_called_a_quick_look():
    assert verdicts.scale(1) == "1 seed: a quick look"
    assert verdicts.scale(2) == "2 seeds: a quick look"
    assert verdicts.scale(5) == "5 seeds"


def test_a_variant_that_hardly_changes_a_prediction_is_not_tested_however_many_seeds_it_has(tmp_path):
    base = [related(0.7, 0, seed) for seed in range(5)]
    paths = [finetuned(tmp_path, "bert", "mood", seed, base[seed]) for seed in range(5)]
    for seed in range(5):
        few = base[seed].copy()
        few[np.flatnonzero(~few)[:3]] = True  # 3 of 400 are right instead of wrong
        paths.append(finetuned(tmp_path, "few", "mood", seed, few))
        more = base[seed].copy()
        more[seed * 20 : seed * 20 + 5] ^= True  # 5 of 400, fewer than two seeds differ in
        paths.append(finetuned(tmp_path, "more", "mood", seed, more))
    table = made(paths).loc["mood"]
    assert table.loc[["few", "more"], "verdict"].tolist() == ["not tested"] * 2
    assert table.loc[["few", "more"], "changed"].tolist() == pytest.approx([3 / 400, 5 / 400])
    pairs = [np.mean(a != b) for i, a in enumerate(base) for b in base[:i]]
    assert table.loc["few", "changed_seeds"] == pytest.approx(np.mean(pairs))
    assert np.mean(pairs) > 5 / 400


def test_one_seed_gives_neither_a_p_value_nor_a_verdict(tmp_path):
    paths = [
        finetuned(tmp_path, n, "mood", 0, related(s, i, 0)) for i, (n, s) in enumerate({"bert": 0.5, "a": 0.9}.items())
    ]
    row = made(paths).loc["mood", "a"]
    assert row["verdict"] == "one seed: no verdict" and row[["p", "p_holm", "changed_seeds"]].isna().all()
    assert row["ci_low"] > 0.2  # of new examples for these two models


def test_all_seeds_count_whatever_their_numbers(tmp_path):
    paths = [finetuned(tmp_path, "bert", "mood", seed, hits(0.7, seed)) for seed in (0, 1, 2)]
    paths += [finetuned(tmp_path, "cogbert", "mood", seed, hits(0.8, 10 + seed)) for seed in (1, 2, 3)]
    row = made(paths).loc["mood", "cogbert"]
    ours, theirs = (
        [hits(share, own).mean() for own in seeds] for share, seeds in ((0.8, (11, 12, 13)), (0.7, (0, 1, 2)))
    )
    assert row["delta"] == pytest.approx(np.mean(ours) - np.mean(theirs))
    assert (row["seeds"], row["scale"]) == (3, "3 seeds: a quick look")


def test_other_metrics_are_computed_anew_from_the_predictions(tmp_path):
    right = {name: hits(share, i) for i, (name, share) in enumerate({"bert": 0.7, "cogbert": 0.8}.items())}
    labels = np.arange(EXAMPLES) % 2
    f1 = {}
    for name, hit in right.items():
        positive = np.where(hit, labels, 1 - labels) == 1
        f1[name] = 2 * (positive & (labels == 1)).sum() / (positive.sum() + (labels == 1).sum())
    paths = [finetuned(tmp_path, n, "mood", 0, h, metrics={"test/f1": float(f1[n])}) for n, h in right.items()]
    runs = [finetuning.read(path) for path in paths]
    table = finetuning.table_of_variants(runs, "bert", tasks=shown("test/f1"))
    assert table["delta"].iloc[1] == pytest.approx(f1["cogbert"] - f1["bert"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": "roberta"}, "no run of the baseline 'roberta'"),
        ({"metric": "test/acuracy"}, "no metric 'test/acuracy', did you mean 'test/accuracy'"),
        ({"ids": [f"x{i}" for i in range(EXAMPLES)]}, "tested on different examples"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(tmp_path, change, message):
    finetuned(tmp_path, "bert", "mood", 0, hits(0.7, 0))
    finetuned(tmp_path, "cogbert", "mood", change.get("seed", 0), hits(0.8, 1), ids=change.get("ids"))
    runs = [finetuning.read(path) for path in sorted(tmp_path.rglob("manifest.json"))]
    with pytest.raises(UserError, match=message):
        finetuning.table_of_variants(
            runs,
            change.get("baseline", "bert"),
            tasks=shown(change.get("metric", "test/accuracy")),
        )


def test_finetuning_table_and_figure_repeat_to_the_byte(tmp_path, monkeypatch):
    runs = [
        finetuned(tmp_path, name, "mood", seed, hits(share, 10 * i + seed))
        for i, (name, share) in enumerate({"bert": 0.7, "cogbert": 0.8}.items())
        for seed in (0, 1)
    ]
    spec = tabulate_finetune.TabulateFinetuneSpec(study="s", baseline="bert", tasks=shown())
    a, b = run_twice(
        tabulate_finetune, spec, {"runs": runs}, {"table": "t.tsv", "figure": "f.svg"}, tmp_path, monkeypatch
    )
    assert a == b
    header = a["table"].decode().splitlines()[0].split("\t")
    assert header == [
        "variant",
        "task",
        "metric",
        "seeds",
        "mean",
        "sd",
        "baseline_mean",
        "delta",
        "ci_low",
        "ci_high",
        "p",
        "p_holm",
        "verdict",
        "scale",
        "changed",
        "changed_seeds",
        "logit_shift",
        "seeds_needed",
    ]
    notes = [e["note"] for e in ledger.read_events(tmp_path / "a/run") if "note" in e]
    assert any("cogbert" in note and "2 seeds: a quick look" in note for note in notes)


def pretrained(root, recipe, seed, *, events=None):
    directory = root / "results/pretrain" / recipe / f"seed{seed}"
    directory.mkdir(parents=True)
    metrics = {
        "validation/loss": 6.5,
        "validation/accuracy": 0.11,
        "validation/perplexity": 665.1,
        "validation/unigram_loss": 6.8,
        "train/steps": 40,
        "train/tokens": 81920,
        "model/parameters": 4416698,
    }
    (directory / "metrics.json").write_text(json.dumps(metrics))
    if events is None:
        events = [
            {"t": 1.5 + i, "step": s, "metrics": {"train/loss": 9 - s / 20, "tokens_per_second": 1e3 * seed}}
            for i, s in enumerate((10, 20, 30, 40, 20))
        ]
        events += [{"t": 9.0, "step": s, "metrics": {"validation/loss": 9 - s / 16}} for s in (20, 40)]
    (directory / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    pd.DataFrame({"loss": [13.0], "predicted": [2], "correct": [0]}).to_parquet(directory / "held_out.parquet")
    return manifest.write(directory, [directory / "metrics.json"])


def test_pretraining_table_and_curves_are_those_of_the_run(tmp_path):
    run = pretraining.read(pretrained(tmp_path, "bert-mlm", 3))
    assert run.curves["train/loss"] == [(10, 8.5), (20, 8.0), (30, 7.5), (40, 7.0)]
    assert run.curves["validation/loss"] == [(20, 7.75), (40, 6.5)]
    row = pretraining.table_of_runs([run]).iloc[0]
    assert (row["recipe"], row["seed"], row["parameters"], row["tokens"]) == ("bert-mlm", 3, 4416698, 81920)
    assert row["below_unigram"] == pytest.approx(0.3)


def test_pretraining_outputs_do_not_hold_times_or_speeds(tmp_path, monkeypatch):
    first, second = (pretrained(tmp_path / name, "bert-mlm", 0) for name in ("x", "y"))
    path = second.parent / "events.jsonl"
    path.write_text(path.read_text().replace('"t": ', '"t": 77'))
    spec, names = tabulate_pretrain.TabulatePretrainSpec(), {"table": "t.tsv", "figure": "f.svg"}
    a, _ = run_twice(tabulate_pretrain, spec, {"runs": [first]}, names, tmp_path, monkeypatch)
    b, _ = run_twice(tabulate_pretrain, spec, {"runs": [second]}, names, tmp_path, monkeypatch)
    assert a == b


def test_a_run_without_curve_is_refused(tmp_path):
    with pytest.raises(UserError, match="no loss curve"):
        pretraining.read(pretrained(tmp_path, "bert-mlm", 0, events=[]))


@pytest.mark.parametrize("seeds", [[0], [0, 1], [0, 1, 2, 3, 4]])
def test_every_caption_renders_for_the_default_configuration(request, seeds):
    import yaml
    from docutils.core import publish_doctree

    root = request.config.rootpath
    config = {**yaml.safe_load((root / "config/config.yaml").read_text()), "seeds": seeds}
    for path in sorted((root / "workflow/report").glob("*.rst")):
        text = jinja2.Template(path.read_text(), undefined=jinja2.StrictUndefined).render(
            snakemake=type("Job", (), {"config": config, "wildcards": type("W", (), {"study": "cogbert"})})
        )
        assert "{{" not in text and "{%" not in text
        problems = [
            node.astext()
            for node in publish_doctree(text, settings_overrides={"report_level": 5}).findall()
            if node.tagname == "system_message"
        ]
        assert not problems, f"{path.name}: {problems}"
        if path.name in ("workflow.rst", "finetune_table.rst", "finetune_figure.rst"):
            assert ("quick look" in text) == (len(seeds) < 5), path.name


# --- tasks with a label per word ----------------------------------------------------------------------------------


def worded(root, variant, seed, labels, predictions, metrics):
    """A run on a task with a label per word; returns its manifest."""
    directory = root / "results/finetune" / variant / "words" / f"seed{seed}"
    directory.mkdir(parents=True)
    table = {
        "id": [f"e{i}" for i in range(len(labels))],
        "label": [own.tolist() for own in labels],
        "prediction": [own.tolist() for own in predictions],
        "log_odds": [np.zeros(len(own)) for own in labels],
    }
    pd.DataFrame(table).to_parquet(directory / "predictions.parquet")
    (directory / "metrics.json").write_text(json.dumps({f"test/{name}": value for name, value in metrics.items()}))
    return manifest.write(directory, [directory / "metrics.json", directory / "predictions.parquet"])


def test_tagging_is_compared_by_f1_of_chunks(tmp_path):
    names, generator = ("O", "B-A", "I-A", "B-B"), np.random.default_rng(0)
    labels = [generator.integers(4, size=7) for _ in range(60)]
    paths, scores = [], {}
    for variant, share in (("bert", 0.6), ("cogbert", 0.9)):
        for seed in (0, 1):
            guess = [np.where(generator.random(7) < share, own, generator.integers(4, size=7)) for own in labels]
            scores[variant, seed] = tagging.measures(labels, guess, names)
            paths.append(worded(tmp_path, variant, seed, labels, guess, scores[variant, seed]))
    tasks = shown("test/f1", "tagging", names, ["words"])
    row = made(paths, tasks=tasks).loc["words", "cogbert"]
    assert row["metric"] == "test/f1"
    expected = np.mean([scores["cogbert", seed]["f1"] - scores["bert", seed]["f1"] for seed in (0, 1)])
    assert row["delta"] == pytest.approx(expected) and row["ci_low"] < expected < row["ci_high"]
    assert row["verdict"] == "better"


@pytest.mark.parametrize("metric", ["accuracy", "mae", "mae_trt"])
def test_gaze_is_compared_by_error_and_a_lower_error_is_better(tmp_path, metric):
    names, generator = ("n_fix", "trt"), np.random.default_rng(0)
    labels = [generator.uniform(0, 100, (5, 2)) for _ in range(60)]
    paths, scores = [], {}
    for variant, noise in (("bert", 9), ("cogbert", 4)):
        guess = [own + generator.normal(0, noise, own.shape) for own in labels]
        scores[variant] = word_measures.measures(labels, guess, names)
        paths += [worded(tmp_path, variant, seed, labels, guess, scores[variant]) for seed in (0, 1)]
    runs = [finetuning.read(path) for path in paths]
    tasks = shown(f"test/{metric}", "gaze", names, ["words"])
    table = finetuning.table_of_variants(runs, "bert", tasks=tasks)
    assert table["delta"].iloc[1] == pytest.approx(scores["cogbert"][metric] - scores["bert"][metric])
    assert table["verdict"].tolist() == ["baseline", "better"]
    assert finetuning.lower_is_better(tasks["words"]) == (metric != "accuracy")


def test_regression_is_compared_by_every_metric_it_has(tmp_path):
    generator = np.random.default_rng(0)
    labels = generator.normal(0, 1, 80).astype(np.float32)
    paths, scores = [], {}
    for variant, noise in (("bert", 1.0), ("cogbert", 0.3)):
        guess = (labels + generator.normal(0, noise, 80)).astype(np.float32)
        scores[variant] = classification.regression(labels, guess)
        for seed in (0, 1):  # one and the same model twice: the seeds add nothing
            directory = tmp_path / "results/finetune" / variant / f"mood/seed{seed}"
            directory.mkdir(parents=True)
            table = {"id": [f"e{i}" for i in range(80)], "label": labels, "prediction": guess}
            pd.DataFrame(table).to_parquet(directory / "predictions.parquet")
            values = {f"test/{name}": value for name, value in scores[variant].items()}
            (directory / "metrics.json").write_text(json.dumps(values))
            paths.append(manifest.write(directory, [directory / "metrics.json"]))
    runs = [finetuning.read(path) for path in paths]
    for name, verdict in (("pearson", "better"), ("spearman", "better"), ("mse", "better")):
        tasks = shown(f"test/{name}", "regression", ())
        table = finetuning.table_of_variants(runs, "bert", tasks=tasks)
        assert table["delta"].iloc[1] == pytest.approx(scores["cogbert"][name] - scores["bert"][name], abs=1e-6)
        assert table["verdict"].iloc[1] == verdict


def test_a_metric_without_a_difference_is_refused(tmp_path):
    paths = [finetuned(tmp_path, n, "mood", 0, hits(0.7, i), metrics={"test/loss": 0.5}) for i, n in enumerate("ab")]
    runs = [finetuning.read(path) for path in paths]
    with pytest.raises(
        UserError, match=r"no difference is defined for the metric 'test/loss' of mood\n.*accuracy, error, f1"
    ):
        finetuning.table_of_variants(runs, "a", tasks=shown("test/loss"))
