"""Small files in the formats of the gaze readers, made on the spot."""

from __future__ import annotations

import io

import h5py
import numpy as np
import openpyxl
from scipy.io import savemat

FIELDS = ("nFixations", "FFD", "GD", "GPT", "TRT")
# sentences of (word, values of FIELDS or None for a word without fixations), or None for a sentence not read
ANNA = [[("Wolves", (2, 100, 120, 150, 200)), ("run.", None)], [("Yes.", (1, 90, 90, 90, 90))], None]
BERT = [[("Wolves", (1, 60, 60, 60, 60)), ("run.", (1, 80, 80, 90, 80))], None, None]


def version_5(sentences, fields=FIELDS) -> bytes:
    """The structure of ZuCo 1.0: a 1 x n struct array, `word` a 1 x m struct array or NaN, empty fields unfixated."""
    table = np.zeros((1, len(sentences)), dtype=[("content", object), ("word", object)])
    for index, words in enumerate(sentences):
        table["content"][0, index] = " ".join(word for word, _ in words or [])
        if words is None:
            table["word"][0, index] = np.nan
            continue
        cells = np.zeros((1, len(words)), dtype=[("content", object), *((name, object) for name in fields)])
        for at, (word, values) in enumerate(words):
            cells["content"][0, at] = word
            for number, name in enumerate(fields):
                cells[name][0, at] = np.zeros((0, 0)) if values is None else float(values[number])
        table["word"][0, index] = cells
    buffer = io.BytesIO()
    savemat(buffer, {"sentenceData": table}, do_compression=True)
    return buffer.getvalue()


def version_7(sentences, fields=FIELDS) -> bytes:
    """The structure of ZuCo 2.0: HDF5 with references for arrays of structs, none where an array has one element."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        store = file.create_group("#refs#")

        def put(group, name, value):
            if isinstance(value, str):
                data = np.array([[ord(c)] for c in value], dtype=np.uint16)
            else:
                data = np.array([[value]], dtype=np.float64)
            if value is None or value == "":  # MATLAB's empty array: its shape as data
                group.create_dataset(name, data=np.zeros(2, dtype=np.uint64)).attrs["MATLAB_empty"] = np.uint8(1)
            else:
                group.create_dataset(name, data=data)
            return group[name]

        def struct(group, columns):
            for name, values in columns.items():
                if len(values) == 1:
                    put(group, name, values[0])
                    continue
                cells = [put(store, f"x{len(store)}", value).ref for value in values]
                group.create_dataset(name, data=np.array([cells], dtype=h5py.ref_dtype).T)

        table = file.create_group("sentenceData")
        refs = {"content": [], "word": []}
        for words in sentences:
            refs["content"].append(put(store, f"x{len(store)}", " ".join(w for w, _ in words or [])).ref)
            if words is None:
                refs["word"].append(put(store, f"x{len(store)}", np.nan).ref)
                continue
            group = store.create_group(f"x{len(store)}")
            columns = {"content": [word for word, _ in words]}
            columns |= {name: [v and v[i] for _, v in words] for i, name in enumerate(fields)}
            struct(group, columns)
            refs["word"].append(group.ref)
        for name, cells in refs.items():
            table.create_dataset(name, data=np.array([cells], dtype=h5py.ref_dtype).T)
    return buffer.getvalue()


GECO = [
    "PP_NR",
    "PART",
    "TRIAL",
    "WORD_ID",
    "WORD",
    "WORD_FIXATION_COUNT",
    "WORD_FIRST_FIXATION_DURATION",
    "WORD_GAZE_DURATION",
    "WORD_TOTAL_READING_TIME",
    "WORD_GO_PAST_TIME",
]
GECO_ROWS = [
    ("pp01", 1, 5, "1-5-1", "Hij", 1, 200, 200, 220, 200),
    ("pp01", 1, 5, "1-5-2", "las.", 0, ".", ".", ".", "."),
    ("pp01", 1, 5, "1-5-10", "Toen", 2, 100, 300, 400, 300),
    ("pp02", 1, 5, "1-5-1", "Hij", 0, ".", ".", ".", "."),
    ("pp02", 1, 5, "1-5-2", "las.", 1, 150, 150, 150, 250),
    ("pp02", 1, 5, "1-5-10", "Toen", 1, 120, 120, 120, 120),
    ("pp02", 2, 1, "2-1-1", 1916, 1, 120, 120, 120, 120),
]


def workbook(rows, header=GECO) -> bytes:
    """As in the release: a sheet of data, and another sheet beside it."""
    book = openpyxl.Workbook()
    book.active.title = "Info"
    book.active.append(["a note about the data"])
    sheet = book.create_sheet("DATA")
    sheet.append(header)
    for row in rows:
        sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


PROVO = "Participant_ID,Text_ID,Sentence_Number,Word_In_Sentence_Number,Word,IA_FIXATION_COUNT,"
PROVO += "IA_FIRST_FIXATION_DURATION,IA_REGRESSION_PATH_DURATION,IA_DWELL_TIME,IA_LABEL\n"
PROVO_ROWS = (
    "S1,3,1,2,are,1,200,250,200,are\nS1,3,1,3,TRUE,0,NA,NA,0,true.\nS1,3,2,1,So,2,100,100,210,So\n"
    "S2,3,1,2,are,0,NA,NA,0,are\nS2,3,1,3,TRUE,3,180,300,500,true.\nS2,3,2,1,So,1,100,110,120,So\n"
)


CMCL = "sentence_id,word_id,word,nFix,FFD,GPT,TRT,fixProp\n"


MEANS = "sentence_id,word_id,word,n_fix,first_fix_dur,first_pass_dur,total_fix_dur,fix_prob\n"


ONESTOP = "participant_id,unique_paragraph_id,IA_ID,IA_LABEL,IA_FIXATION_COUNT,IA_FIRST_FIXATION_DURATION,"
ONESTOP += "IA_FIRST_RUN_DWELL_TIME,IA_REGRESSION_PATH_DURATION,IA_DWELL_TIME\n"
ONESTOP_ROWS = "".join(
    f"{who},p,{at},{word},1,200,200,200,200\n" for who in "ab" for at, word in enumerate(("Go", "home."), start=1)
)
CSV = "document,sentence,word_index,word,participant,n_fix,ffd\n"
CSV_ROWS = "d,0,0,Go,a,1,200\nd,0,1,home.,a,0,0\nd,0,0,Go,b,1,200\nd,0,1,home.,b,1,200\n"
CMCL_ROWS = "0,0,Wolves,20,5,10,5,100\n0,1,run.<EOS>,0,0,0,0,0\n1,0,Yes.<EOS>,20,5,10,5,100\n"
CMCL_2022 = "language,sentence_id,word_id,word,FFDAvg,FFDStd,TRTAvg,TRTStd\n"
CMCL_2022_ROWS = "en,ZuCo1-2,0.0,Wolves,6,1,12,2\nen,ZuCo1-2,1.0,run.,3,1,4,2\n"
MEANS_ROWS = "0,0,Wolves,2,210,220,300,1\n0,1,run.,0.5,60,60,70,0.25\n"
EYELINK = "RECORDING_SESSION_LABEL\titem\tIA_ID\tIA_LABEL\tIA_FIXATION_COUNT\tIA_FIRST_FIXATION_DURATION\t"
EYELINK += "IA_FIRST_RUN_DWELL_TIME\tIA_REGRESSION_PATH_DURATION\tIA_DWELL_TIME\n"
EYELINK_ROWS = "".join(
    f"{who}\tt1\t1\tGo\t2\t200\t200\t200\t410\n{who}\tt1\t2\t.\t0\t.\t.\t.\t0\n{who}\tt1\t3\thome.\t0\t.\t.\t.\t0\n"
    for who in ("ann", "bob")
)
CELER = EYELINK.replace("RECORDING_SESSION_LABEL\titem", "list\tshared_text\tsentenceid")
CELER_ROWS = "".join(
    f'{who}\t1\ts1\t1\tGo\t1\t200\t200\t200\t200\n{who}\t1\ts1\t2\t"home.\thome"\t0\t.\t.\t.\t0\n' for who in "12"
)
MECO = "lang,subid,uniform_id,trialid,sentnum,ianum,ia,skip,nfix,dur,firstrun.dur,firstrun.gopast,firstfix.dur\n"
MECO_ROWS = "".join(
    f"en,{who},en_{who},3.0,1.0,1.0,Janus,0,2,400,154,154,154\nen,{who},en_{who},3.0,1.0,2.0,is,1,,,,,\n"
    f"en,{who},en_{who},3.0,2.0,3.0,Old.,0,1.0,551,,,551\n"
    for who in "12"
)
EMTEC = "subject_id\titem_id\tmodel\tdecoding_strategy\tTRIAL_ID\tword_id\tword\tFFD\tFD\tFPRT\tTFT\tRPD_inc\tTFC\n"
EMTEC_ROWS = "".join(
    f"{who}\titem1\tphi2\ttopp\t4\t0\tOnce\t210\t210\t210\t420\t210\t2\n"
    f'{who}\titem1\tphi2\ttopp\t4\t1\t"""upon"""\t0\t180\t0\t180\t0\t1\n'
    for who in ("ET_01", "ET_02")
)
STORIES = "WorkerId\tWorkTimeInSeconds\tcorrect\titem\tzone\tRT\tword\n"
STORIES_ROWS = (
    'w1\t9\t6\t1\t1\t300\tIf\nw1\t9\t6\t1\t2\t400\t"""you"\nw2\t9\t6\t1\t1\t500\tIf\nw2\t9\t6\t1\t3\t350\twere\n'
)

# reader -> (name, content) of a file that it reads, and the same with its rows given twice
SAMPLES = {
    "onestop": ("ia.csv", ONESTOP + ONESTOP_ROWS, ONESTOP + 2 * ONESTOP_ROWS),
    "csv": ("a.csv", CSV + CSV_ROWS, CSV + 2 * CSV_ROWS),
    "zuco": ("resultsZAB_SR.mat", version_5(ANNA), None),  # a file is a participant: there are no rows to repeat
    "geco": ("L1.xlsx", workbook(GECO_ROWS), workbook(2 * GECO_ROWS)),
    "provo": ("Provo.csv", PROVO + PROVO_ROWS, PROVO + 2 * PROVO_ROWS),
    "cmcl2021": ("train.csv", CMCL + CMCL_ROWS, CMCL + 2 * CMCL_ROWS),
    "cmcl2022": ("train.csv", CMCL_2022 + CMCL_2022_ROWS, CMCL_2022 + 2 * CMCL_2022_ROWS),
    "means": ("words.csv", MEANS + MEANS_ROWS, MEANS + 2 * MEANS_ROWS),
    "eyelink": ("report.txt", EYELINK + EYELINK_ROWS, EYELINK + 2 * EYELINK_ROWS),
    "celer": ("sent_ia.tsv", CELER + CELER_ROWS, CELER + 2 * CELER_ROWS),
    "meco": ("joint_data_trimmed.csv", MECO + MECO_ROWS, MECO + 2 * MECO_ROWS),
    "emtec": ("reading_measures.csv", EMTEC + EMTEC_ROWS, EMTEC + 2 * EMTEC_ROWS),
    "natural_stories": ("processed_RTs.tsv", STORIES + STORIES_ROWS, STORIES + 2 * STORIES_ROWS),
    "text": ("a.txt", "Wolves run.\nThey hide!\n", None),  # a line is a document: a text may hold it twice
}
