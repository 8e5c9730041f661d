"""SQuAD's rules, by hand: the scorer, the no-answer threshold, windows, and answers that are pieces of the passage."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from scriptorium.errors import UserError
from scriptorium.evaluation import question_answering
from scriptorium.evaluation.statistics import compare
from scriptorium.tasks.answer_spans import decode
from scriptorium.tasks.spec import AnswerSpec
from scriptorium.tasks.windows import Windows, read_answers
from tests import tiny
from tests.own_data import own

ODD = (
    "Zu\u0308rich  lies\u00a0on the\tLimmat: 6\u00bd million\n na\u00efve visitors \u2014 \u6771\u4eac too, \U0001f642 \
drink (very) hot tea."
)
ANSWERS = ("Zu\u0308rich", "6\u00bd million", "na\u00efve", "\u6771\u4eac", "\U0001f642", "tea", "Limmat: 6\u00bd")


# --- the scorer ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Cat, a dog and AN owl!", "cat dog and owl"),
        ("an theory of another", "theory of another"),  # articles are whole words
        ("6\u00bd million \u2014 \u201cso\u201d", "6\u00bd million \u2014 \u201cso\u201d"),  # ASCII punctuation alone
        ("a.m.", "am"),  # punctuation goes before articles
        ("U.S.A", "usa"),
        ("\u00a0the\u2003end\t", "end"),  # every white space
        ("the a an ...", ""),
    ],
)
def test_answers_are_normalised_by_the_official_rules(text, expected):
    assert question_answering.normalised(text) == expected


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "f1"),
    [
        ("the Norman people", ["Norman people!"], 1, 1),
        ("Norman", ["the Norman people"], 0, 2 / 3),  # 1 word right: precision 1, recall 1/2
        ("red red blue", ["red blue blue"], 0, 2 / 3),  # words count as often as they stand on both sides
        ("in 1066", ["1067", "1066", "in the year 1066"], 0, 0.8),  # best of all answers: 2 of 2 and 2 of 3 words
        ("", ["1066"], 0, 0),
        ("1066", [], 0, 0),
        ("", [], 1, 1),
        ("the", [], 1, 1),  # an answer of articles alone is an empty one
        ("green", ["the", "green"], 1, 1),  # answers that normalise to nothing are left out
        ("", ["a"], 1, 1),  # unless none is left
    ],
)
def test_scores_are_those_of_the_official_scorer(prediction, answers, exact, f1):
    assert question_answering.score(prediction, answers) == pytest.approx((exact, f1))


def table(threshold=0.0):
    """Four questions: right, half right, unanswerable with a small gap, unanswerable with a large one."""
    answers = [["Paris"], ["old Rome"], [], []]
    return question_answering.table_of_answers(
        list("abcd"), answers, ["Paris", "Rome", "Oslo", "Bonn"], np.array([-3.0, 1, -1, 2]), threshold
    )


def test_a_question_is_answered_unless_its_gap_is_above_the_threshold():
    assert table(None)["prediction"].tolist() == ["Paris", "Rome", "Oslo", "Bonn"]
    assert table(0.0)["prediction"].tolist() == ["Paris", "", "Oslo", ""]
    assert table(1.0)["prediction"].tolist() == ["Paris", "Rome", "Oslo", ""]
    assert table(1.0)["f1"].tolist() == pytest.approx([1, 2 / 3, 0, 1])
    assert table(1.0)["f1_0"].tolist() == [1, 0, 0, 1]


def test_metrics_tell_questions_with_and_without_answer_apart():
    found = question_answering.measures(table(1.0))
    third = 2 / 3
    assert found == pytest.approx(
        {
            "em": 2 / 4,
            "f1": (1 + third + 0 + 1) / 4,
            "em_threshold_0": 2 / 4,
            "f1_threshold_0": 2 / 4,
            "em_has_answer": 1 / 2,
            "f1_has_answer": (1 + third) / 2,
            "em_no_answer": 1 / 2,
            "f1_no_answer": 1 / 2,
            # answered in the order of gaps a -3, c -1, b 1, d 2. EM: none 2/4, a 3/4, then falling; F1: the same
            "best_em": 3 / 4,
            "best_em_threshold": -3,
            "best_f1": 3 / 4,
            "best_f1_threshold": -3,
        }
    )
    assert question_answering.measures(table(None)).keys() == {"em", "f1"}
    answered = question_answering.table_of_answers(["a"], [["x"]], ["x"], np.array([0.0]), 0.0)
    assert (
        "em_no_answer" not in question_answering.measures(answered)
        and question_answering.measures(answered)["em_has_answer"] == 1
    )


def test_the_best_threshold_is_the_best_of_all_that_can_be_told_apart():
    generator = np.random.default_rng(0)
    for _ in range(50):
        gaps = generator.integers(-3, 4, 12).astype(float)  # with many equal ones
        answered, empty = generator.random(12), generator.integers(0, 2, 12).astype(float)
        value, threshold = question_answering.best_threshold(gaps, answered, empty)
        tried = [np.where(gaps <= limit, answered, empty).mean() for limit in np.arange(-5, 5, 0.5)]
        assert value == pytest.approx(max(tried))
        assert np.where(gaps <= threshold, answered, empty).mean() == pytest.approx(value)


def test_metrics_are_functions_of_totals_so_variants_can_be_compared():
    made = [table(limit) for limit in (0.0, 1.0, -1.0)]
    sums = question_answering.totals(made[0]).sum(axis=0)
    assert question_answering.from_totals(sums)["f1"] == pytest.approx(made[0]["f1"].mean())
    a, b = (np.stack([question_answering.totals(one), question_answering.totals(one)]) for one in made[:2])
    found = compare(a, b, lambda own: question_answering.from_totals(own)["f1_has_answer"])
    assert found.difference == pytest.approx(1 / 2 - (1 + 2 / 3) / 2)


# --- windows ------------------------------------------------------------------------------------------------------


def questions(passage: str, *answers: str, question: str = "word0 word1") -> pd.DataFrame:
    labels = [[(answer, passage.index(answer))] if answer else [] for answer in answers]
    return pd.DataFrame(
        {"id": [f"q{n}" for n in range(len(answers))], "text": question, "text_b": passage, "label": labels}
    )


def bert() -> transformers.PreTrainedTokenizerFast:
    made = tiny.tokenizer()
    made.backend_tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return made


def roberta() -> transformers.PreTrainedTokenizerFast:
    """Byte-level BPE, <s> A </s></s> B </s>, no types."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>"]
    core.train_from_iterator(
        [ODD],
        trainers.BpeTrainer(
            vocab_size=300,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    core.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, cls_token="<s>", pad_token="<pad>", sep_token="</s>", model_input_names=["input_ids"]
    )


def xlmr() -> transformers.PreTrainedTokenizerFast:
    """Unigram with blanks as letters, whose offsets take in the blank before a word."""
    core = Tokenizer(models.Unigram())
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    core.train_from_iterator(
        [ODD] * 3,
        trainers.UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="<unk>", show_progress=False),
    )
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core,
        cls_token="<s>",
        pad_token="<pad>",
        sep_token="</s>",
        unk_token="<unk>",
        model_input_names=["input_ids"],
    )


def golden(data: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Logits that point at the labels alone."""
    start, end = np.full((2, len(data), data.lengths.max()), -5.0)
    for window in range(len(data)):
        first, last, _ = data[window]["labels"].tolist()
        start[window, first], end[window, last] = 5, 5
    return start, end


@pytest.mark.parametrize("tokenizer", [bert, roberta, xlmr])
@pytest.mark.parametrize("max_length", [256, 48])
def test_answers_come_back_as_they_stand_in_the_passage(tokenizer, max_length):
    """Unusual letters and white space: offsets count characters of the unchanged text, whatever the tokenizer does."""
    spec = AnswerSpec(stride=12)
    data = Windows(questions(ODD, *ANSWERS, question="so"), tokenizer(), max_length, spec)
    assert data.unreachable == 0
    spans, gaps = decode(data, *golden(data), spec)
    assert spans == [ODD[ODD.index(answer) :][: len(answer)] for answer in ANSWERS]
    assert all(span in ODD for span in spans) and (gaps < 0).all()


def test_windows_begin_a_stride_apart_cover_all_and_label_only_whole_answers():
    words = [f"word{n}" for n in range(20)]
    passage = " ".join(words)
    data = Windows(questions(passage, "word5 word6"), bert(), 13, AnswerSpec(stride=3))
    # [CLS] q q [SEP] 8 pieces [SEP]: pieces 0-7, 3-10, 6-13, 9-16, 12-19
    assert data.first_piece.tolist() == [0, 3, 6, 9, 12]
    first = [passage[offsets[4, 0] : offsets[4, 1]] for offsets in data.offsets]
    assert first == ["word0", "word3", "word6", "word9", "word12"]
    assert [data[w]["labels"].tolist() for w in range(5)] == [
        [9, 10, 13],
        [6, 7, 13],
        [0, 0, 13],
        [0, 0, 13],
        [0, 0, 13],
    ]
    assert data[1]["token_type_ids"].tolist() == [0] * 4 + [1] * 9
    assert data[(7, 1)]["input_ids"].tolist() == data[1]["input_ids"].tolist()


def test_a_window_may_begin_an_answer_only_where_it_shows_most_of_the_surroundings():
    data = Windows(questions(" ".join(f"word{n}" for n in range(20)), "word5"), bert(), 13, AnswerSpec(stride=3))
    start, end = golden(data)
    start[:], end[:] = 0, 0
    start[2, 4] = end[2, 4] = 9  # word6 at the very edge of window 2, in the middle of windows 0 and 1
    assert decode(data, start, end, AnswerSpec(stride=3))[0] != ["word6"]
    start[1, 7] = end[1, 7] = 8  # word6 is fourth of eight there
    assert decode(data, start, end, AnswerSpec(stride=3))[0] == ["word6"]


def test_spans_neither_run_backwards_nor_exceed_the_longest_answer():
    data = Windows(questions(" ".join(f"word{n}" for n in range(8)), "word1"), bert(), 32, AnswerSpec(stride=8))
    start, end = np.zeros((2, 1, data.lengths[0]))
    start[0, 8], end[0, 5] = 9, 7  # the best end lies before the best beginning
    end[0, 11] = 6
    assert decode(data, start, end, AnswerSpec())[0] == ["word4 word5 word6 word7"]
    assert decode(data, start, end, AnswerSpec(answer_length=3))[0] == ["word4"]
    start[0, 0], end[0, 0] = 20, 3
    assert decode(data, start, end, AnswerSpec())[1] == pytest.approx([23 - 15])


def test_long_questions_are_cut_and_too_little_room_is_an_error():
    asked = questions("word1 word2", "word2", question=" ".join(["word9"] * 9))
    data = Windows(asked, bert(), 32, AnswerSpec(question_length=4, stride=4))
    assert data.cut == 1 and data.lengths.tolist() == [1 + 4 + 1 + 2 + 1]
    with pytest.raises(UserError, match="leaves no room"):
        Windows(asked, bert(), 12, AnswerSpec(stride=4))
    with pytest.raises(UserError, match="would skip text"):
        Windows(asked, bert(), 20, AnswerSpec(stride=12))


def test_batches_hold_windows_of_any_length():
    data = Windows(questions(" ".join(f"word{n}" for n in range(20)), "word5", ""), bert(), 17, AnswerSpec(stride=8))
    batch = data.collate(0)([data[w] for w in range(len(data))])
    assert batch["labels"].shape == (len(data), 3) and batch["input_ids"].shape == (len(data), 17)
    assert torch.equal(batch["attention_mask"].sum(-1), batch["labels"][:, 2])
    assert (batch["input_ids"] > 0).sum(-1).tolist() == data.lengths.tolist()


def test_a_wrong_place_is_found_before_training(tmp_path):
    path = tmp_path / "train.parquet"
    frame = questions("word1 word2", "word2")
    frame["label"] = [[{"text": "word2", "start": 5}]]
    frame.to_parquet(path)
    with pytest.raises(UserError, match=r"'word2' does not stand at character 5") as error:
        read_answers(path)
    assert "q0" in str(error.value)


@pytest.mark.parametrize("name", ["xtreme_xquad/xquad.en", "xtreme_mlqa/dev-context-en-question-en"])
def test_real_answers_come_back_from_their_labels(name):
    """The rest are answers that begin or end inside a word, which a tokenizer of words cannot give."""
    path = own(f"{name}.json.gz")
    articles = json.loads(gzip.decompress(path.read_bytes()))["data"][:12]
    rows = [
        (q["id"], q["question"], p["context"], [(a["text"], a["answer_start"]) for a in q["answers"]])
        for article in articles
        for p in article["paragraphs"]
        for q in p["qas"]
    ]
    frame = pd.DataFrame(rows, columns=["id", "text", "text_b", "label"])
    spec = AnswerSpec(stride=64, answer_length=100)
    data = Windows(frame, bert(), 192, spec)
    spans, gaps = decode(data, *golden(data), spec)
    made = question_answering.table_of_answers(
        frame["id"], [[text for text, _ in own] for own in frame["label"]], spans, gaps, None
    )
    assert data.unreachable == 0
    assert question_answering.measures(made)["f1"] > 0.99 and question_answering.measures(made)["em"] > 0.95
