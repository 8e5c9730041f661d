"""What the end of a run and the first page of its report say is what stands in the tables."""

from __future__ import annotations

import pytest
from docutils.core import publish_parts

from scriptorium.reporting.first_page import first_page
from scriptorium.reporting.headlines import headlines

HEAD = "variant\ttask\tmetric\tmean\tdelta\tci_low\tci_high\tverdict\tscale\n"
BASE = "bert\tmood\ttest/accuracy\t0.8\t\t\t\tbaseline\t2 seeds: a quick look\n"


@pytest.fixture
def tables(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "figures").mkdir()

    def write(name, text):
        path = tmp_path / "tables" / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def row(variant, verdict, delta=0.1, task="mood"):
    return f"{variant}\t{task}\tx\t{0.8 + delta}\t{delta}\t{delta - 0.05}\t{delta + 0.05}\t{verdict}\t2 seeds\n"


def test_a_sentence_names_what_did_better_and_worse_and_where_nothing_is_shown(tables):
    rows = row("a", "better") + row("b", "worse", -0.1) + row("c", "no difference shown", -0.0001)
    said = headlines([tables("finetune_s.tsv", HEAD + BASE + rows)])
    assert said == {
        "s": "a on mood (0.900, +0.100 [+0.050, +0.150]) did better than bert; "
        "b on mood (0.700, -0.100 [-0.150, -0.050]) did worse than bert; "
        "no difference to bert is shown for c on mood (0.800, 0.000 [-0.050, +0.050]) (2 seeds)"
    }


def test_of_many_comparisons_three_are_named_and_the_table_that_has_the_others(tables):
    rows = "".join(row(f"v{number}", "no difference shown") for number in range(9))
    (sentence,) = headlines([tables("finetune_s.tsv", HEAD + BASE + rows)]).values()
    assert "v2 on mood" in sentence and "v3" not in sentence
    assert "and 6 more (results/tables/finetune_s.tsv)" in sentence


CURVE = "variant\tcontrol\tlabels\taccuracy\tdelta\tdelta_ci_low\tdelta_ci_high\tmethod\n"
PAIRS = "variant\tdata\tcontrol\taccuracy\tdelta\tdelta_ci_low\tdelta_ci_high\n"


def test_few_labels_are_told_at_the_fewest_beside_random_weights_and_their_curve_is_the_figure(tables):
    rows = "".join(
        f"bert\t{control}\t{labels}\t0.65\t0.25\t0.2\t0.3\t{method}\n"
        for control in ("random weights", "TF-IDF of the same pieces")
        for labels in (25, 400)
        for method in ("probe", "finetune")
    )
    table, study = tables("few_labels.tsv", CURVE + rows), tables("finetune_s.tsv", HEAD + BASE + row("a", "better"))
    said = headlines([study, table])
    assert said["few labels"] == (
        "with 25 labelled texts a linear probe gets bert 0.650 (+0.250 [+0.200, +0.300] to random weights)"
    )
    for name in ("few_labels.svg", "finetune_s.svg"):
        (table.parent.parent / "figures" / name).write_text(f"<svg>{name}</svg>", encoding="utf-8")
    assert "few labels: every variant" in first_page([study, table])


def test_minimal_pairs_are_told_by_data_and_by_study(tables):
    rows = "".join(f"bert\t{data}\trandom weights\t0.6\t0.1\t0.05\t0.15\n" for data in ("swapped", "inflected"))
    said = headlines([tables("minimal_pairs_mpnet.tsv", PAIRS + rows)])
    assert said == {
        "minimal pairs, mpnet": "the real sentence is found the likelier one by bert on swapped 0.600 "
        "(+0.100 [+0.050, +0.150] to random weights) and bert on inflected 0.600 "
        "(+0.100 [+0.050, +0.150] to random weights); chance is 0.500"
    }


def test_retrieval_is_told_in_the_layer_that_counts_and_over_languages(tables):
    head = "variant\tset\tlanguages\tdirection\tcounts\tmetric\tvalue\tdelta\tdelta_ci_low\tdelta_ci_high\n"
    rows = "".join(
        f"veco\t{data}\t{languages}\t{direction}\t{counts}\taccuracy\t{value}\t0.1\t0.05\t0.15\n"
        for data, languages, direction, counts, value in (
            ("held-out", "de-en", "both", "True", 0.1),
            ("held-out", "en-fr", "both", "True", 0.3),
            ("held-out", "mean", "both", "True", 0.2),
            ("held-out", "mean", "both", "False", 0.9),
            ("german", "de-en", "de to en", "True", 0.8),
            ("german", "de-en", "both", "True", 0.7),
        )
    )
    said = headlines([tables("retrieval_veco.tsv", head + rows)])
    assert said == {
        "retrieval, veco": "the translation is the nearest text for veco on held-out (accuracy) 0.200 "
        "(+0.100 [+0.050, +0.150] to random weights) and veco on german (accuracy) 0.700 "
        "(+0.100 [+0.050, +0.150] to random weights)"
    }


def test_pre_training_variants_stand_beside_their_baseline(tables):
    table = tables(
        "pretrain_a.tsv",
        "recipe\tvalidation_loss\tdelta\tci_low\tci_high\tverdict\tscale\n"
        "mlm\t5.9\t\t\t\tbaseline\t1 seed\nmpnet\t5.8\t-0.1\t-0.2\t-0.05\tlower loss\t1 seed\n"
        "other\t5.1\t-0.8\t\t\tother held-out examples\t1 seed\n",
    )
    assert headlines([table]) == {
        "a, pre-training": "mpnet (5.800, -0.100 [-0.200, -0.050]) ended with a lower held-out loss than mlm; "
        "other (5.100, -0.800) were measured on other held-out examples than mlm (1 seed)"
    }


def test_stage_one_and_single_pre_training_runs_are_told_beside_what_they_must_beat(tables):
    gaze = tables("gaze_regressor.tsv", "model\tmae\nmean\t0.723\nlength\t0.602\nregressor\t0.647\n")
    runs = tables("pretrain.tsv", "recipe\tseed\tvalidation_loss\tunigram_loss\nbert-mlm\t0\t6.36\t6.72\n")
    said = headlines([gaze, runs])
    assert said["gaze regressor"].startswith("fixations on unseen paragraphs are predicted best by word length alone")
    assert "regressor 0.647" in said["gaze regressor"]
    assert "6.360 nats; guessing by word frequency gives 6.720" in said["pre-training runs"]


def test_tables_that_belong_to_no_study_and_tables_not_made_yet_are_passed_over(tables, tmp_path):
    paths = [tables("gaze_corpora.tsv", "corpus\tx\na\t1\n"), tmp_path / "tables/finetune_none.tsv"]
    assert headlines(paths) == {}
    assert first_page(paths) == "", "a report without results opens on its own text"


def test_translations_are_told_by_the_best_way_to_read_of_each_variant(tables):
    head = "variant\tmeasure\treads\ttext\tvalue\tci_low\tci_high\tcontrol\n"
    rows = [
        "xlm\tmatching\tjoined\tall\t0.12\t0.1\t0.14\t0.1",
        "veco\tmatching\tjoined\tall\t0.13\t0.1\t0.16\t0.1",
        "veco\tmatching\tcross-attention\tall\t0.26\t0.2\t0.3\t0.1",
        "veco\tmatching\tcross-attention\tde\t0.9\t0.8\t1\t0.1",
        "veco\tgain\tcross-attention\tall\t0.5\t0.4\t0.6\t0",
    ]
    said = headlines([tables("crosslingual_veco.tsv", head + "\n".join(rows) + "\n")])
    assert said == {
        "crosslingual, veco": "of several texts the translation is found by veco 0.260 [0.200, 0.300] "
        "(cross-attention) and xlm 0.120 [0.100, 0.140] (joined); chance is 0.100"
    }


def test_the_first_page_has_the_sentences_every_comparison_and_one_figure(tables, tmp_path):
    path = tables("finetune_s.tsv", HEAD + BASE + row("a<b_", "better"))
    (tmp_path / "figures/finetune_s.svg").write_text("<svg/>" + 20000 * " ")
    page = publish_parts(first_page([path]) + "The rest.", writer="html")["html_body"]
    order = [
        "<h1>Results</h1>",
        "did better than bert",
        "<td>bert</td><td>0.800</td>",
        "<td>a&lt;b_</td>",
        "base64,PHN2Zy8",
    ]
    places = [page.index(text) for text in order]
    assert places == sorted(places) and places[-1] < page.index("The rest.")
    assert "system-message" not in page


def test_words_that_are_found_are_told_where_a_layer_counts(tables):
    head = "variant\tmeasure\tdirection\tcounts\tvalue\tci_low\tci_high\tverdict\n"
    rows = "".join(
        f"{variant}\t{measure}\t{direction}\t{counts}\t{value}\t0.1\t0.4\t{verdict}\n"
        for variant, value, verdict in (("xlm", 0.2, "baseline"), ("veco", 0.3, "better"))
        for measure in ("word in context", "AER")
        for direction in ("de to en", "both")
        for counts in (True, False)
    )
    said = headlines([tables("vectors_veco.tsv", head + rows)])
    assert said == {
        "vectors, veco": "a word's nearest word is its translation for veco 0.300 [0.100, 0.400], better "
        "and xlm 0.200 [0.100, 0.400], baseline"
    }
