"""Beside each window of a passage stands the part of its translation that says what the window says."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from tokenizers import processors

from scriptorium.errors import UserError
from scriptorium.tasks.spec import AnswerSpec
from scriptorium.tasks.translated_windows import TranslatedWindows, part
from scriptorium.tasks.windows import Windows
from tests import tiny

SPEC = AnswerSpec(stride=5, question_length=4)
LENGTH = 20


def table(own: int, translated: int) -> pd.DataFrame:
    """A question on a passage of so many words, each of which is a piece, and its translation."""
    passage, other = (" ".join(f"{side}{n}" for n in range(count)) for side, count in (("a", own), ("b", translated)))
    return pd.DataFrame(
        {"text": ["which?"], "text_b": [passage], "label": [[]], "translation": ["what?"], "translation_b": [other]}
    )


@pytest.fixture(scope="module")
def tokenizer():
    made = tiny.tokenizer(words=[f"{side}{n}" for side in "ab" for n in range(60)] + ["which", "what", "?"])
    made.backend_tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return made


def windows(tokenizer, own: int, translated: int) -> tuple[Windows, TranslatedWindows]:
    made = table(own, translated)
    first = Windows(made, tokenizer, LENGTH, SPEC)
    sides = made.assign(text=made["translation"], text_b=made["translation_b"])
    return first, TranslatedWindows(first, sides, tokenizer, LENGTH, SPEC)


def words(tokenizer, data, number: int) -> list[int]:
    """Which words of the translated passage stand beside a window."""
    said = tokenizer.convert_ids_to_tokens(data[number]["input_ids"].tolist())
    return [int(word[1:]) for word in said if word[0] == "b"]


@pytest.mark.parametrize(("own", "translated"), [(40, 40), (40, 55), (55, 30), (10, 40)])
def test_parts_are_whole_stretches_in_order_that_begin_and_end_with_the_passage(tokenizer, own, translated):
    first, second = windows(tokenizer, own, translated)
    assert len(first) == len(second)
    parts = [words(tokenizer, second, number) for number in range(len(second))]
    room = LENGTH - tokenizer.num_special_tokens_to_add(pair=True) - 2  # which ?
    for found in parts:
        assert found == list(range(found[0], found[0] + room))
        assert len(second[0]["input_ids"]) <= LENGTH
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(parts))
    assert parts[0][0] == 0 and parts[-1][-1] == (translated if len(parts) > 1 else room) - 1
    assert second.parts == len(second)


def test_of_texts_of_the_same_length_each_window_stands_beside_its_own_places(tokenizer):
    first, second = windows(tokenizer, 40, 40)
    for number in range(len(first) - 1):  # the last one is shorter, and its part ends where it does
        assert words(tokenizer, second, number)[0] == first.first_piece[number]
    assert len(first) > 2


def test_a_translation_that_fits_is_there_as_a_whole_beside_every_window(tokenizer):
    _, second = windows(tokenizer, 40, 9)
    assert all(words(tokenizer, second, number) == list(range(9)) for number in range(len(second)))
    assert second.parts == 0 and not list(second.notes("train"))


def test_a_part_is_inside_and_as_long_as_fits():
    generator = np.random.default_rng(0)
    for _ in range(500):
        pieces, room = (int(number) for number in generator.integers(1, 100, 2))
        (start, stop), first, last = (part(pieces, room, share) for share in (generator.random(), 0.0, 1.0))
        assert 0 <= start < stop <= pieces and stop - start == min(pieces, room)
        assert first[0] == 0 and last[1] == pieces
    assert part(0, 5, 0.5) == (0, 0)


def test_a_question_that_leaves_no_room_is_refused_with_the_settings(tokenizer):
    made = table(5, 5)
    first = Windows(made, tokenizer, LENGTH, SPEC)
    sides = made.assign(text=" ".join(["what"] * 18), text_b=made["translation_b"])
    with pytest.raises(
        UserError, match="max_length 20 leaves no room for the passage beside the 21 pieces of the longest question"
    ):
        TranslatedWindows(first, sides, tokenizer, LENGTH, AnswerSpec(stride=5, question_length=18))
