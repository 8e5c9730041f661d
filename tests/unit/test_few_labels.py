"""Few labels: the task's articles are not pre-trained on, draws are the same for every encoder, the probe finds what is
there and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.few_labels import probing
from scriptorium.runs import Runs
from scriptorium.tasks.few import some
from scriptorium.text.corpora import preparing
from scriptorium.text.spec import CorpusSpec
from tests.raw import Raw

ROOT = Path(__file__).parents[2]
TOPICS = ("business", "sports")
LONG = "The minister said on Monday that taxes would be lower next year."


def article(number: int) -> str:
    return f"Heading {number}\n\nThe first paragraph of article {number} says what has happened there.\n\nIt ends."


FILES = {
    f"{topic}/{number:03d}.txt": article(number + 100 * (topic == "sports")) for topic in TOPICS for number in range(20)
}


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def topics(raw: Raw, files: dict = FILES, **limits: int) -> dict[str, pd.DataFrame]:
    return raw.task("bbc_topics", files, labels=TOPICS, limits=limits)


def corpus(raw: Raw, files: dict, tasks: list[Path]) -> pd.DataFrame:
    spec = CorpusSpec.parse(
        {"corpus": "toy", "sources": [{"dataset": "news", "reader": "bbc"}], "exclude": ["topics"] if tasks else []}
    )
    (path,) = preparing.prepare(raw.job(spec, "corpus", sources=[raw.add(files, "news")], exclude=tasks))
    return pd.read_parquet(path)


def task_manifest(raw: Raw) -> Path:
    from scriptorium import manifest

    return manifest.write(raw.root / "out", sorted((raw.root / "out").glob("*.parquet")))


def test_an_articles_folder_is_its_topic(raw):
    splits = topics(raw)
    rows = pd.concat(splits.values())
    assert len(rows) == 40
    assert {(TOPICS[row.label], row.id.split("/")[0]) for row in rows.itertuples()} == {(t, t) for t in TOPICS}
    assert "The first paragraph of article 3 says" in rows.set_index("id")["text"]["business/003"]


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        ({"weather/001.txt": "Rain."}, ["weather/001.txt: its folder 'weather' is not among the task's labels"]),
        ({"sports/001.txt": " \n"}, ["sports/001.txt: the file is empty"]),
        ({"sports/001.txt": b"\x81\x8d"}, ["sports/001.txt: neither UTF-8 nor Windows-1252"]),
    ],
)
def test_broken_articles_are_refused_with_their_file(raw, files, parts):
    with pytest.raises(UserError) as refused:
        topics(raw, FILES | files)
    assert all(part in str(refused.value) for part in parts), refused.value


def test_no_article_of_the_task_is_in_the_corpus_whatever_its_split(raw):
    splits = topics(raw, train=10, validation=4, test=10)
    theirs = {text for split in splits.values() for text in split["text"]}
    left = corpus(raw, FILES, [task_manifest(raw)])
    assert len(theirs) == 24
    assert len(left) == 40 - 24
    assert not theirs & {" ".join(text.split()) for text in left["text"]}
    assert len(corpus(raw, FILES, [])) == 40


def test_nor_is_a_paragraph_of_one_in_another_article(raw):
    """News is printed again with a sentence changed; letter case and white space do not tell two articles apart."""
    topics(raw, FILES | {"sports/900.txt": f"Tax\n\n{LONG}\n\nIt ends."}, train=25, validation=6, test=10)
    more = {
        "sports/901.txt": f"Tax again\n\n{LONG}\n\nIt is new.",
        "sports/902.txt": article(3).upper(),
        "sports/903.txt": "New.",
    }
    known = {name: text for name, text in FILES.items()} | {"sports/900.txt": f"Tax\n\n{LONG}\n\nIt ends."}
    left = corpus(raw, known | more, [task_manifest(raw)])
    assert LONG not in "\n".join(left["text"])
    assert "It is new." in "\n".join(left["text"])
    assert not left["text"].str.contains("ARTICLE 3 ").any()


def test_a_draw_is_the_same_for_every_encoder_and_another_one_each_time():
    labels = np.repeat([0, 1, 2], [300, 200, 100])
    first = some(labels, 60, 0, 0)
    assert first == some(labels, 60, 0, 0)
    assert np.bincount(labels[first]).tolist() == [30, 20, 10], "the shares of train"
    assert len({tuple(some(labels, 60, seed, number)) for seed in range(2) for number in range(3)}) == 6
    with pytest.raises(UserError, match="700 labelled texts are asked for, but train has 600"):
        some(labels, 700, 0, 0)


def test_the_probe_finds_a_direction_and_nothing_in_noise():
    generator = np.random.default_rng(0)
    labels = np.arange(1000) % 4
    noise = generator.normal(size=(1000, 16))
    signal = noise.copy()
    signal[np.arange(1000), labels] += 3
    found = [
        (probing.predict(values[:100], labels[:100], values[100:], counts=False) == labels[100:]).mean()
        for values in (signal, noise)
    ]
    assert found[0] > 0.9
    assert abs(found[1] - 0.25) < 0.06  # 4 standard errors of 900 guesses


def test_counts_are_of_pieces():
    assert probing.piece_counts([[1, 2, 2], [], [0]], 4).toarray().tolist() == [[0, 1, 2, 0], [0] * 4, [1, 0, 0, 0]]


def values() -> dict:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


def test_a_model_is_not_probed_on_articles_that_it_may_have_read():
    given = values()
    del given["corpora"]["english"]["exclude"]
    with pytest.raises(UserError, match="bert-mlm is trained on 'english', which may hold texts of bbc-topics"):
        loading.load(given, ROOT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "bbc-topic"}, r"few_labels\.task: unknown task 'bbc-topic', did you mean 'bbc-topics'"),
        ({"task": "gaze-onestop"}, "is of kind gaze, not classification"),
        ({"labels": [0]}, r"few_labels\.labels\.0"),
        ({"drows": 3}, "did you mean 'draws'"),
    ],
)
def test_a_wrong_block_is_refused_while_the_dag_is_built(change, message):
    given = values()
    given["few_labels"] |= change
    with pytest.raises(UserError, match=message):
        loading.load(given, ROOT)


def test_an_unknown_task_to_exclude_is_refused():
    given = values()
    given["corpora"]["english"]["exclude"] = ["bbc-topic"]
    with pytest.raises(
        UserError, match=r"corpora\.english\.exclude: unknown task 'bbc-topic', did you mean 'bbc-topics'"
    ):
        loading.load(given, ROOT)


def test_the_default_makes_the_table_and_a_study_may():
    runs = Runs(loading.load(values(), ROOT))
    assert "results/tables/few_labels.tsv" in runs.default_tables()
    with pytest.raises(UserError, match=r"set pretraining\.studies\.mpnet-head\.few_labels: true"):
        runs.probes_of("_mpnet-head")


def test_a_fine_tuning_study_with_few_labels_joins_the_table_where_it_is_named():
    given = values()
    assert Runs(loading.load(given, ROOT)).few_finetuned("") == []
    given["few_labels"]["study"] = "few-labels"
    runs = Runs(loading.load(given, ROOT))
    assert "results/finetune/bert-pretrained/bbc-25/seed0" in {run.path for run in runs.few_finetuned("")}
    assert runs.tabulate_few_labels("").labelled == {"bbc-25": 25, "bbc-50": 50, "bbc-100": 100, "bbc-400": 400}
    given["few_labels"]["study"] = "cogbert"
    with pytest.raises(UserError, match="task sentiment of study cogbert does not say how many examples are labelled"):
        loading.load(given, ROOT)
