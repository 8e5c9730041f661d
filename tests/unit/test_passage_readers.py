"""SQuAD, RACE, IMDB and one's own multiple choice become tasks; what is wrong in them is named with its place.

RACE and IMDB are made here in their published layouts: neither is at hand as a whole.
"""

from __future__ import annotations

import gzip
import json

import pytest

from scriptorium.errors import UserError
from tests.own_data import own
from tests.raw import Raw

LIMITS = {"train": 12, "validation": 4, "test": 4}


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


# --- SQuAD --------------------------------------------------------------------------------------------------------


def qas(number: int, context: str, *answers: str, **more) -> dict:
    given = [{"text": answer, "answer_start": context.index(answer)} for answer in answers]
    return {"id": f"q{number}", "question": f"What of {number}?", "answers": given, **more}


def squad(*paragraphs: tuple[str, list[dict]], articles: int = 1) -> str:
    made = [{"context": context, "qas": questions} for context, questions in paragraphs]
    size = -(-len(made) // articles)
    return json.dumps(
        {
            "version": "x",
            "data": [{"title": f"t{n}", "paragraphs": made[n * size : (n + 1) * size]} for n in range(articles)],
        }
    )


def many(first: int, count: int, impossible: bool = False) -> list[tuple[str, list[dict]]]:
    """Paragraphs of two questions each."""
    made = []
    for n in range(first, first + count):
        context = f"  Passage {n}\u00a0has  odd   blanks and 6\u00bd words."
        second = (
            qas(2 * n + 1, context, is_impossible=True) if impossible else qas(2 * n + 1, context, f"{n}", "6\u00bd")
        )
        made.append((context, [qas(2 * n, context, "odd   blanks"), second]))
    return made


def task(raw, files, **settings):
    return raw.task("squad", files, **{"kind": "question_answering", "labels": (), **settings})


def test_squad_gives_questions_passages_and_answers_at_their_places(raw):
    made = task(raw, {"train-v1.1.json": squad(*many(0, 20)), "dev-v1.1.json": squad(*many(20, 3))})
    assert len(made["test"]) == 6, "dev is our test, whole"
    assert len(made["train"]) + len(made["validation"]) == 40 and len(made["validation"]) == 4
    for frame in made.values():
        for row in frame.itertuples():
            assert row.text_b.startswith("  Passage"), "the passage stays as it is"
            for answer in row.label:
                assert row.text_b[answer["start"] :][: len(answer["text"])] == answer["text"]
    assert sorted(made["test"]["label"].map(len).unique()) == [1, 2]


def test_no_passage_and_no_article_is_in_two_splits(raw):
    made = task(raw, {"mine.json": squad(*many(0, 20), articles=10)}, limits=LIMITS)
    articles = {name: {int(text.split()[1]) // 2 for text in frame["text_b"]} for name, frame in made.items()}
    assert all(articles.values())
    assert not articles["train"] & articles["test"] and not articles["train"] & articles["validation"]
    assert not articles["validation"] & articles["test"]


def test_version_2_has_questions_without_answer(raw):
    files = {"train-v2.0.json": squad(*many(0, 20, True)), "dev-v2.0.json": squad(*many(20, 3, True))}
    made = task(raw, files, options={"version": "2.0"})
    assert (made["test"]["label"].map(len) == 0).mean() == 0.5
    assert json.loads((raw.root / "out/baselines.json").read_text()) == {"never_answer_em": 0.5}
    with pytest.raises(UserError, match=r"without an answer, which SQuAD 1\.1 does not have") as error:
        task(raw, files)
    assert "dev-v2.0.json, question q41" in str(error.value) and 'version: "2.0"' in str(error.value)


def test_repeated_ids_are_told_apart(raw):
    context = "One two three."
    first, second = [(f"{n}. {context}", [{**qas(n, f"{n}. {context}", "two"), "id": "same"}]) for n in range(2)]
    made = task(raw, {"train.json": squad(*many(0, 20)), "test.json": squad(first, second)})
    assert sorted(made["test"]["id"]) == ["same", "same-2"]


@pytest.mark.parametrize(
    ("change", "problem", "place"),
    [
        (lambda text: text[:-9], "not JSON", "test.json, line 1, column"),
        (
            lambda text: text.replace('"answer_start": 11', '"answer_start": 12'),
            "does not stand at character 12",
            "test.json, question q7",
        ),
        (
            lambda text: text.replace('"answer_start": 11', '"answer_start": -1'),
            "does not stand at character -1",
            "question q7",
        ),
        (lambda text: text.replace('"qas"', '"qs"'), "'qas' is missing", "data 0, paragraph 0"),
        (lambda text: text.replace('"context"', '"text"'), "'context' is missing", "data 0, paragraph 0"),
        (lambda text: text.replace('"data"', '"items"'), "'data' is missing", "test.json"),
        (lambda text: text.replace('"id": "q7"', '"n": 7'), "without an id", "paragraph 0"),
        (
            lambda text: text.replace('"answers": [', '"answers": [], "x": ['),
            "a question without an answer",
            "question q7",
        ),
        (lambda text: text.replace("What of 7?", "  "), "question or context is empty", "question q7"),
    ],
)
def test_faults_in_squad_are_named_with_file_and_question(raw, change, problem, place):
    passage = "The answer is 42."
    good = squad((passage, [qas(7, passage, "is")]))
    assert '"answer_start": 11' in good
    with pytest.raises(UserError, match=problem) as error:
        task(raw, {"train.json": squad(*many(0, 5)), "test.json": change(good)})
    assert place in str(error.value)


def test_files_without_a_split_beside_files_with_one_are_refused(raw):
    with pytest.raises(UserError, match=r"more\.json has no split in its name"):
        task(raw, {"train.json": squad(*many(0, 5)), "more.json": squad(*many(5, 5))})


def test_xquad_is_read_and_split_by_article(raw):
    path = own("xtreme_xquad/xquad.en.json.gz")
    articles = json.loads(gzip.decompress(path.read_bytes()))["data"][:12]
    made = task(raw, {"xquad.en.json.gz": gzip.compress(json.dumps({"data": articles}).encode())})
    total = sum(len(p["qas"]) for article in articles for p in article["paragraphs"])
    assert 0.98 * total < sum(map(len, made.values())) < total, "a question asked twice on a passage is left out"
    passages = [set(frame["text_b"]) for frame in made.values()]
    assert len(set.union(*passages)) == sum(map(len, passages)) == 60


# --- RACE and one's own -------------------------------------------------------------------------------------------


def race(number: int, options: int = 4, answer: str = "B", **changes) -> str:
    """An article with two questions, one with a gap."""
    own = {
        "article": f"Story {number} is about a cat.",
        "id": f"high{number}.txt",
        "questions": [f"Story {number} is about _ .", "Which of the following is true?"],
        "options": [[f"{letter}{number}" for letter in "abcd"[:options]]] * 2,
        "answers": [answer, "A"],
    }
    return json.dumps({**own, **changes})


def folders(count: int = 6) -> dict[str, str]:
    return {
        f"RACE/{split}/{part}/{number}{place}.txt": race(10 * number + 100 * place + 1000 * (part == "high"))
        for number, split in enumerate(("train", "dev", "test"))
        for part in ("middle", "high")
        for place in range(count)
    }


CHOICE = {"kind": "multiple_choice", "labels": ("middle", "high")}


def test_race_gives_options_answers_and_parts(raw):
    made = raw.task("race", folders(), **CHOICE)
    assert {name: len(frame) for name, frame in made.items()} == {"train": 24, "validation": 24, "test": 24}
    row = made["test"].set_index("id").loc["test-middle-20-0"]
    assert row["text_b"] == "Story 20 is about _ ." and row["part"] == "middle" and row["label"] == 1
    assert list(row["options"]) == ["a20", "b20", "c20", "d20"]
    assert json.loads((raw.root / "out/baselines.json").read_text()) == {"chance_accuracy": 0.25}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (race(1, answer="E"), "answer 'E' is none of A, B, C, D"),
        (race(1, answer=""), "answer '' is none of"),
        (race(1, options=1), "at least two options"),
        (race(1).replace('"b1"', '" "'), "the text or an option is empty"),
        (race(1, answers=["A"]), "lists questions, options and answers of one length"),
        (race(1, article=None), "expected article"),
        (race(1)[:-2], "not JSON"),
    ],
)
def test_faults_in_race_are_named_with_their_file(raw, text, problem):
    with pytest.raises(UserError, match=problem) as error:
        raw.task("race", {**folders(1), "RACE/train/high/9.txt": text}, **CHOICE)
    assert "RACE/train/high/9.txt" in str(error.value)


def line(number: int, **changes) -> str:
    return json.dumps(
        {
            "text": f"Story {number // 2}.",
            "question": f"Q{number}?",
            "options": ["x", "y", "z"],
            "answer": "C",
            **changes,
        }
    )


def test_ones_own_multiple_choice_is_split_by_text(raw):
    lines = "\n".join(line(n, answer=n % 3) for n in range(40))
    made = raw.task("choices", {"mine.jsonl": lines}, limits=LIMITS, kind="multiple_choice", labels=())
    assert {name: len(frame) for name, frame in made.items()} == LIMITS
    texts = [set(frame["text"]) for frame in made.values()]
    assert len(set.union(*texts)) == sum(map(len, texts))


def test_equal_questions_with_other_options_are_not_repetitions(raw):
    lines = "\n".join(
        line(n, text="One story.", question="True?", options=[f"x{n}", f"y{n}"], answer="A") for n in range(5)
    )
    files = {"train.jsonl": lines, "dev.jsonl": line(90), "test.jsonl": line(99)}
    assert len(raw.task("choices", files, kind="multiple_choice", labels=())["train"]) == 5


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (line(0, answer="D"), "answer 'D' is none of A, B, C"),
        (line(0, answer=3), "answer 3 is none of"),
        (line(0, answer=True), "answer True is none of"),
        (line(0, options=[]), "at least two options"),
        (line(0, split="exam"), "split 'exam' is not one of"),
        ("{", "not JSON"),
        ("[]", "an object"),
    ],
)
def test_faults_in_lines_are_named_with_file_and_line(raw, bad, problem):
    with pytest.raises(UserError, match=problem) as error:
        raw.task("choices", {"mine.jsonl": f"{line(5)}\n\n{bad}"}, kind="multiple_choice", labels=())
    assert "mine.jsonl, line 3" in str(error.value)


@pytest.mark.parametrize("bad", [{"question": "why"}, {"label": 2}, {"choice2": ""}, {"premise": None}])
def test_copa_is_two_sentences_and_which_is_cause_or_effect(raw, bad):
    def copa(number: int, **changes) -> str:
        return json.dumps(
            {
                "premise": f"It rained {number}.",
                "choice1": "One.",
                "choice2": "Two.",
                "label": number % 2,
                "question": ("cause", "effect")[number % 3 == 0],
                **changes,
            }
        )

    files = {"train-en.jsonl": "\n".join(map(copa, range(40))), "val-en.jsonl": "\n".join(map(copa, range(50, 60)))}
    settings = {"kind": "multiple_choice", "labels": ("cause", "effect")}
    made = raw.task("copa", files, **settings)
    assert {name: len(frame) for name, frame in made.items()} == {"train": 36, "validation": 4, "test": 10}
    asked = dict(zip(made["test"]["part"], made["test"]["text_b"], strict=True))
    assert asked == {"cause": "What was the cause?", "effect": "What happened as a result?"}
    with pytest.raises(UserError) as error:
        raw.task("copa", {**files, "val-en.jsonl": copa(1) + "\n" + copa(2, **bad)}, **settings)
    assert "val-en.jsonl, line 2" in str(error.value)


# --- IMDB ---------------------------------------------------------------------------------------------------------

IMDB = {"labels": ("negative", "positive")}


def reviews(per_film: int = 2) -> dict[str, str]:
    files = {
        f"aclImdb/{split}/{folder}/{n}_{8 if folder == 'pos' else 2}.txt": f"A {folder} film,<br /><br />{split} {n}."
        for split in ("train", "test")
        for folder in ("pos", "neg")
        for n in range(20)
    }
    files |= {
        f"aclImdb/train/urls_{folder}.txt": "\n".join(f"http://films/{n // per_film}" for n in range(20))
        for folder in ("pos", "neg")
    }
    return {**files, "aclImdb/README": "read me", "aclImdb/train/unsup/0_0.txt": "no label"}


def test_imdb_keeps_its_test_and_cuts_validation_by_film(raw):
    made = raw.task("imdb", reviews(), **IMDB, validation_share=0.15)
    assert len(made["test"]) == 40 and len(made["train"]) + len(made["validation"]) == 40
    assert made["validation"]["label"].mean() == 0.5, "in the shares of train"
    assert made["test"]["text"].iloc[0].split(",")[1].startswith(" test"), "line breaks are blanks"
    films = {
        name: {int(own.split("-")[2].split("_")[0]) // 2 for own in made[name]["id"]}
        for name in ("train", "validation")
    }
    assert films["validation"] and not films["train"] & films["validation"]


def test_faults_in_imdb_are_named(raw):
    files = reviews()
    with pytest.raises(UserError, match="the review is empty") as error:
        raw.task("imdb", {**files, "aclImdb/train/pos/3_8.txt": "<br />"}, **IMDB)
    assert "train/pos/3_8.txt" in str(error.value)
    with pytest.raises(UserError, match="no reviews in test/pos"):
        raw.task("imdb", {path: text for path, text in files.items() if "test/pos" not in path}, **IMDB)
    with pytest.raises(UserError, match="does not begin with a line number"):
        raw.task("imdb", {**files, "aclImdb/train/pos/77_8.txt": "Fine."}, **IMDB)
