"""Proves that the released formats of gaze corpora are read as they are: against means computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scriptorium.errors import UserError
from scriptorium.gaze.table import COLUMNS
from tests.gaze_files import (
    ANNA,
    BERT,
    CMCL,
    FIELDS,
    GECO,
    GECO_ROWS,
    MEANS,
    PROVO,
    PROVO_ROWS,
    version_5,
    version_7,
    workbook,
)
from tests.own_data import own
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


# --- ZuCo ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [version_5, version_7])
def test_zuco_means_are_over_the_participants_of_a_sentence_and_in_ms(raw, write):
    words = raw.gaze("zuco", {"resultsZAB_SR.mat": write(ANNA), "resultsZDM_SR.mat": write(BERT)})
    assert tuple(words.columns) == COLUMNS
    # samples of 500 Hz last 2 ms; Bert has no second sentence, nobody has the third
    expected = [
        ("SR/0001", 0, "Wolves", 1.5, 2, 160.0, 180.0, 210.0, 260.0, 1.0),
        ("SR/0001", 1, "run.", 0.5, 2, 80.0, 80.0, 90.0, 80.0, 0.5),
        ("SR/0002", 0, "Yes.", 1.0, 1, 180.0, 180.0, 180.0, 180.0, 1.0),
    ]
    columns = ["document", "word_index", "word", "n_fix", "n_participants", "ffd", "gd", "gpt", "trt", "fix_prop"]
    assert list(words[columns].itertuples(index=False, name=None)) == expected
    assert sorted(raw.events("note")) == [
        "gaze: participant ZAB lacks 1 sentences of task SR",
        "gaze: participant ZDM lacks 2 sentences of task SR",
    ]


@pytest.mark.parametrize("write", [version_5, version_7])
def test_zuco_in_ms_is_not_doubled(raw, write):
    words = raw.gaze("zuco", {"resultsZAB_SR.mat": write(ANNA)}, duration_unit="ms")
    assert words["ffd"].tolist() == [100.0, 0.0, 90.0]


def test_both_versions_and_several_tasks_make_one_corpus_and_tasks_can_be_chosen(raw):
    files = {"resultsZAB_SR.mat": version_5(ANNA), "resultsZAB_TSR.mat": version_7(BERT)}
    assert raw.gaze("zuco", files)["document"].tolist() == ["SR/0001"] * 2 + ["SR/0002"] + ["TSR/0001"] * 2
    assert set(raw.gaze("zuco", files, tasks="SR")["document"]) == {"SR/0001", "SR/0002"}
    with pytest.raises(UserError, match="no file of task 'NR', valid names: SR, TSR"):
        raw.gaze("zuco", files, tasks="SR NR")


@pytest.mark.parametrize("write", [version_5, version_7])
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"resultsZAB_SR.mat": lambda w: w(ANNA, ("nFix", *FIELDS[1:]))}, "sentence 1: field 'nFixations' is missing"),
        ({"resultsZAB_SR.mat": lambda w: w([[("Go on", None)]])}, "sentence 1: 'Go on' is not one word"),
        ({"resultsZAB_SR.mat": lambda w: w([[("Go", None), ("", None)]])}, "sentence 1: '' is not one word"),
        ({"resultsZAB_SR.mat": lambda w: w([[("Go", (-1, 1, 1, 1, 1))]])}, "sentence 1, word 1, nFixations: is"),
        ({"resultsZAB_SR.mat": lambda w: w([None, None])}, "no participant has a single sentence"),
        ({"ZAB.mat": lambda w: w(ANNA)}, "does not say who read what"),
        (
            {"resultsZAB_SR.mat": lambda w: w(ANNA), "resultsZDM_SR.mat": lambda w: w([ANNA[0][:1]])},
            "resultsZDM_SR.mat, sentence 1: document 'SR/0001', sentence 0, participant 'ZDM': has 1 words, but 2",
        ),
    ],
)
def test_faulty_zuco_file_is_refused_with_its_sentence(raw, write, files, message):
    with pytest.raises(UserError) as caught:
        raw.gaze("zuco", {name: content(write) for name, content in files.items()})
    assert message in str(caught.value) and "remedy:" in str(caught.value)


@pytest.mark.parametrize("content", [b"hello", b"", version_5(ANNA)[:300], version_7(ANNA)[:900]])
def test_what_is_no_matlab_file_is_refused(raw, content):
    with pytest.raises(UserError, match=r"resultsZAB_SR\.mat: .*(neither a MATLAB|cannot be read as MATLAB)"):
        raw.gaze("zuco", {"resultsZAB_SR.mat": content})


# --- GECO ------------------------------------------------------------------------------------------------------------


def test_geco_dots_are_zeros_and_a_page_is_cut_into_sentences(raw):
    words = raw.gaze("geco", {"L1ReadingData.xlsx": workbook(GECO_ROWS)})
    columns = ["document", "sentence", "word_index", "word", "n_fix", "n_participants", "ffd", "gd", "gpt", "trt"]
    assert list(words[columns].itertuples(index=False, name=None)) == [
        ("1-5", 0, 0, "Hij", 0.5, 2, 100.0, 100.0, 100.0, 110.0),
        ("1-5", 0, 1, "las.", 0.5, 2, 75.0, 75.0, 125.0, 75.0),
        ("1-5", 1, 0, "Toen", 1.5, 2, 110.0, 210.0, 210.0, 260.0),
        ("2-1", 0, 0, "1916", 1.0, 1, 120.0, 120.0, 120.0, 120.0),
    ]


def test_geco_without_go_past_times_has_none(raw):
    rows = [row[:-1] for row in GECO_ROWS]
    words = raw.gaze("geco", {"a.xlsx": workbook(rows, GECO[:-1])})
    assert words["gpt"].isna().all() and words["trt"].notna().all()


def test_geco_participants_with_other_words_are_refused_or_left_out(raw):
    other = [row for row in GECO_ROWS if row[:4] != ("pp02", 1, 5, "1-5-10")]
    more = [("pp03", *row[1:]) for row in GECO_ROWS if row[0] == "pp01"]
    with pytest.raises(UserError) as caught:
        raw.gaze("geco", {"a.xlsx": workbook([*other, *more])})
    assert "a.xlsx, row 5: document '1-5'" in str(caught.value) and "has 2 words, but 3" in str(caught.value)
    words = raw.gaze("geco", {"a.xlsx": workbook([*other, *more])}, disagreement="majority")
    assert words.set_index("word")["n_fix"].to_dict() == {"Hij": 1, "las.": 0, "Toen": 2, "1916": 1}
    (note,) = raw.events("note")
    assert "participant pp02 is left out of document 1-5" in note


def test_faulty_geco_is_refused_with_sheet_or_row(raw):
    header = ["PP_NUMBER" if name == "PP_NR" else name for name in GECO]
    with pytest.raises(UserError, match="sheet 'DATA': column 'PP_NR' is missing"):
        raw.gaze("geco", {"a.xlsx": workbook(GECO_ROWS, header)})
    with pytest.raises(UserError, match=r"a\.xlsx, row 2: WORD_TOTAL_READING_TIME is 'x', not a number"):
        raw.gaze("geco", {"a.xlsx": workbook([("pp01", 1, 5, "1-5-1", "Hij", 1, 2, 2, "x", 2)])})
    with pytest.raises(UserError, match=r"a\.xlsx, row 3: document '1-5', participant 'pp01' has word 1 twice"):
        raw.gaze("geco", {"a.xlsx": workbook([GECO_ROWS[0], GECO_ROWS[0]])})
    with pytest.raises(UserError, match="cannot be read as an Excel workbook"):
        raw.gaze("geco", {"a.xlsx": b"\xd0\xcf\x11\xe0 an old workbook"})


# --- Provo -----------------------------------------------------------------------------------------------------------


def test_provo_takes_the_label_and_closes_the_gap_of_the_missing_first_word(raw):
    words = raw.gaze("provo", {"Provo.csv": PROVO + "S1,3,NA,NA,There,1,90,90,90,There\n" + PROVO_ROWS})
    columns = ["document", "sentence", "word_index", "word", "n_fix", "ffd", "gpt", "trt", "fix_prop"]
    assert list(words[columns].itertuples(index=False, name=None)) == [
        ("03", 0, 0, "are", 0.5, 100.0, 125.0, 100.0, 0.5),
        ("03", 0, 1, "true.", 1.5, 90.0, 150.0, 250.0, 0.5),
        ("03", 1, 0, "So", 1.5, 100.0, 105.0, 165.0, 1.0),
    ]
    assert words["gd"].isna().all()
    (note,) = raw.events("note")
    assert "1 rows of Provo.csv have no place in a sentence" in note


def test_provo_participant_who_lacks_a_word_is_refused_with_file_and_row(raw):
    lacking = PROVO_ROWS.replace("S2,3,1,2,are,0,NA,NA,0,are\n", "")
    with pytest.raises(UserError, match=r"Provo\.csv, row 5: document '03', sentence 1, participant 'S2'"):
        raw.gaze("provo", {"Provo.csv": PROVO + lacking})
    with pytest.raises(UserError, match=r"Provo\.csv, line 2: not UTF-8"):
        raw.gaze("provo", {"Provo.csv": PROVO.encode() + PROVO_ROWS.encode().replace(b"are", b"ar\xe9")})


# --- shared tasks and means ------------------------------------------------------------------------------------------


def test_cmcl_2021_comes_back_to_fixations_and_ms(raw):
    # 1.45 fixations of 7.25 are 20; 121.245835 samples of 2424.9167 are 5, that is 242.49 ms
    text = CMCL + "0,0,Wolves,20,5,10,5,100\n0,1,run.<EOS>,0,0,0,0,0\n"
    wolves, run = raw.gaze("cmcl2021", {"train.csv": text}).to_dict("records")
    assert (wolves["n_fix"], wolves["fix_prop"], run["word"]) == (pytest.approx(1.45), 1.0, "run.")
    assert (wolves["ffd"], wolves["gpt"]) == (pytest.approx(242.49167), pytest.approx(484.98334))
    assert np.isnan(wolves["gd"]) and run["n_fix"] == 0


def test_cmcl_2021_test_file_has_no_labels_rather_than_zeros(raw):
    words = raw.gaze("cmcl2021", {"test.csv": CMCL + "0,0,Wolves,0,0,0,0,0\n0,1,run.<EOS>,0,0,0,0,0\n"}, labelled=False)
    assert words[["n_fix", "ffd", "trt", "fix_prop"]].isna().all(axis=None)
    assert " ".join(words["word"]) == "Wolves run."


def test_end_mark_inside_a_sentence_is_refused(raw):
    with pytest.raises(UserError, match=r"row 2: 'Wolves<EOS>': <EOS> inside a sentence"):
        raw.gaze("cmcl2021", {"a.csv": CMCL + "0,0,Wolves<EOS>,1,5,5,5,100\n0,1,run.,1,5,5,5,100\n"})


def test_cmcl_2022_has_no_fixation_counts_and_says_so(raw):
    text = "language,sentence_id,word_id,word,FFDAvg,FFDStd,TRTAvg,TRTStd\n"
    text += "en,ZuCo1-2,0.0,Wolves,6,1,12,2\nen,ZuCo1-2,1.0,run.,3,1,4,2\nde,PoTeC-1,0.0,Wölfe,3,1,4,2\n"
    words = raw.gaze("cmcl2022", {"train.csv": text}, language="en")
    assert words["document"].unique().tolist() == ["ZuCo1-2"] and words["trt"].tolist() == [12, 4]
    assert words[["n_fix", "gd", "gpt", "fix_prop"]].isna().all(axis=None)
    assert any("no n_fix, gd, gpt in CMCL 2022" in note for note in raw.events("note"))
    with pytest.raises(UserError, match="no sentence in language 'nl', valid names: de, en"):
        raw.gaze("cmcl2022", {"train.csv": text}, language="nl")


def test_means_are_taken_over_in_the_order_of_their_numbers(raw):
    text = MEANS + "10,0,Yes. ,1.5,150,160,200,0.75\n9,1,run.,0.5,60,60,70,0.25\n9,0,Wolves,2,210,220,300,1\n"
    words = raw.gaze("means", {"words.csv": text}, participants=4, sentences_per_document=5)
    columns = ["document", "sentence", "word", "n_fix", "n_participants", "ffd", "gd", "trt", "fix_prop"]
    assert list(words[columns].itertuples(index=False, name=None)) == [
        ("000001", 0, "Wolves", 2.0, 4, 210.0, 220.0, 300.0, 1.0),
        ("000001", 0, "run.", 0.5, 4, 60.0, 60.0, 70.0, 0.25),
        ("000002", 0, "Yes.", 1.5, 4, 150.0, 160.0, 200.0, 0.75),
    ]


def test_means_of_a_running_text_are_cut_at_its_marks(raw):
    header = MEANS.replace("sentence_id,word_id,", "")
    text = header + "".join(f"{word},1,200,200,200,1\n" for word in ("wolves", "run<eos>", "they", "hide<eos>"))
    words = raw.gaze("means", {"words.csv": text})
    assert words.groupby("document")["word"].apply(" ".join).tolist() == ["wolves run", "they hide"]
    with pytest.raises(UserError, match="a sentence of 300 words"):
        raw.gaze("means", {"words.csv": header + "wolves,1,200,200,200,1\n" * 300})


def test_files_that_number_their_sentences_alike_are_refused(raw):
    row = MEANS + "0,0,Yes.,1,150,160,200,1\n"
    with pytest.raises(
        UserError, match=r"b\.csv, row 2: document '000000', sentence 0 has word 0 twice.*a\.csv, row 2"
    ):
        raw.gaze("means", {"a.csv": row, "b.csv": row})


def test_plain_sentences_have_no_gaze(raw):
    words = raw.gaze("text", {"test.txt": "Wolves run.\n\nThey hide!\n"})
    assert words["document"].tolist() == ["test/000001"] * 2 + ["test/000003"] * 2
    assert words["n_fix"].isna().all()


# --- units -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ffd", "shown"), [("0.2", "0.2 ms"), ("200000", "2e+05 ms")])
def test_durations_in_another_unit_are_refused_with_column_and_option(raw, ffd, shown):
    text = "document,sentence,word_index,word,participant,n_fix,ffd\n" + f"d,0,0,Go,a,1,{ffd}\nd,0,0,Go,b,0,0\n"
    with pytest.raises(UserError) as caught:
        raw.gaze("csv", {"a.csv": text})
    message = str(caught.value)
    assert f"the mean ffd of a fixated word is {shown}, outside 40 to 3000 ms" in message
    assert "column ffd" in message and "duration_unit (ms | s | samples500 | samples250)" in message


def test_skipped_words_do_not_count_as_short_durations(raw):
    """One participant in fifty fixated the word for 200 ms: a mean of 4 ms over participants is no mix-up."""
    text = "document,sentence,word_index,word,participant,n_fix,ffd\nd,0,0,Go,r0,1,200\n"
    text += "".join(f"d,0,0,Go,r{participant},0,0\n" for participant in range(1, 50))
    assert raw.gaze("csv", {"a.csv": text})["ffd"].tolist() == [4.0]


def table(ffd: float, words: int = 40) -> str:
    """Words that one participant fixated once, for so long."""
    text = "document,sentence,word_index,word,participant,n_fix,ffd,trt\n"
    return text + "".join(f"d,0,{at},Go,a,1,{ffd + at / 100},{ffd + at / 100}\n" for at in range(words))


def test_fixations_that_no_eye_makes_are_refused_and_a_factor_of_two_is_noted(raw):
    """220 ms are 110 samples at 500 Hz and .22 s: the first is possible, so it is noted; the second is not."""
    raw.gaze("csv", {"a.csv": table(220)})
    assert raw.events("note") == [
        "gaze: corpus was read by one participant: its words are no means, and there is no noise ceiling"
    ]
    raw.gaze("csv", {"a.csv": table(110)})
    assert any("a fixation of the median word lasts 110.2 ms by ffd, which is unusual" in n for n in raw.events("note"))
    for ffd in (60, 700):
        with pytest.raises(UserError, match=r"of the median word lasts .* ms by ffd, outside 100 to 500 ms") as caught:
            raw.gaze("csv", {"a.csv": table(ffd)})
        assert "duration_unit (ms | s | samples500 | samples250)" in caught.value.remedy
    assert raw.gaze("csv", {"a.csv": table(110)}, duration_unit="samples500")["ffd"].iloc[0] == 220
    assert raw.gaze("csv", {"a.csv": table(0.22).replace(",1,0.", ",1,0.")}, duration_unit="s")["ffd"].iloc[0] == 220


def test_unknown_unit_and_percent_are_refused(raw):
    text = MEANS + "0,0,Yes.,1,150,160,200,75\n"
    with pytest.raises(UserError, match=r"duration_unit: .* did you mean 'samples500'"):
        raw.gaze("means", {"a.csv": text}, duration_unit="samples")
    with pytest.raises(UserError, match=r"fix_prop is 75 for 'Yes\.'"):
        raw.gaze("means", {"a.csv": text})


def test_generic_table_takes_both_spellings(raw):
    rows = "0,Wolves,{r},2\n{s},1,run.,{r},0\n"
    one = "sentence_id,word_id,word,participant_id,n_fix\n" + "".join("s1," + rows.format(r=r, s="s1") for r in "ab")
    words = raw.gaze("csv", {"a.csv": one})
    assert words[["document", "sentence", "word", "n_fix", "n_participants"]].to_numpy().tolist() == [
        ["s1", 0, "Wolves", 2.0, 2],
        ["s1", 0, "run.", 0.0, 2],
    ]
    two = "document,sentence_id,word_id,word,participant,n_fix\n" + "".join(
        "d,7," + rows.format(r=r, s="d,7") for r in "ab"
    )
    pd.testing.assert_frame_equal(raw.gaze("csv", {"a.csv": two}), words.assign(document="d"))


# --- real data -------------------------------------------------------------------------------------------------------


def real(raw, reader, name, **options):
    return raw.gaze(reader, {Path(name).name: own(name).read_bytes()}, **options)


def test_real_cmcl_2021_has_the_known_numbers(raw):
    words = real(raw, "cmcl2021", "cmcl2021_zuco/train.csv")
    assert len(words) == 11731 and words["document"].nunique() == 600
    assert not words["word"].str.contains("EOS").any()
    # the shared task's scales undone: the first word had 2.0588 fixations by 94.1 % of the readers
    assert words["n_fix"].iloc[0] == pytest.approx(28.397565922920887 * 0.0725)
    assert 200 < words["ffd"].sum() / words["fix_prop"].sum() < 260  # first fixations last about 230 ms


def test_real_zuco_means_have_the_known_level(raw):
    words = real(raw, "means", "zuco_words_raw/zuco_words.csv", duration_unit="samples500")
    assert (len(words), round(words["n_fix"].mean(), 2)) == (16665, 1.10)


def test_real_dutch_geco_has_the_known_level(raw):
    words = real(raw, "means", "geco_nl/geco_nl_words_nfix.csv.gz", sentences_per_document=10, blanks="_")
    assert (len(words), round(words["n_fix"].mean(), 2)) == (36317, 0.79)
    assert words["document"].nunique() == 313


def test_real_cmcl_2022_is_read_in_every_language(raw):
    words = real(raw, "cmcl2022", "cmcl2022_multilingual/train.csv.gz")
    assert (
        len(words) == 22128 - 51
    )  # words of Russian sentences that stand twice with other numbers and words[["ffd", "trt"]].max().max() <= 100
