"""The attention page (one HTML file, nothing loaded from elsewhere, no script) and the attention figure."""

from __future__ import annotations

import base64
import io
import unicodedata
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium.cognition.attention import ModelAttention, Sentence
from scriptorium.reporting.style import COLOURS, INK, QUIET, RULE, save, styled

HUMAN = "participants"
FULL = 2.5  # this many times an even share has the full colour
WHITE_FROM = 0.72  # opacity from which text on it is white
CELL = 13  # pixels of a cell of a heat map

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #30353b; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.1rem; margin-top: 2.5rem; border-top: 1px solid #d5d9dd; padding-top: 1rem; }
.row { display: flex; margin: .2rem 0; }
.who { flex: 0 0 8.5rem; color: #626a73; font-size: .9rem; overflow-wrap: anywhere; }
.word { padding: .1rem .22rem; border-radius: .2rem; margin: 0 .05rem; display: inline-block; }
.maps { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: flex-end; }
figure { margin: 0; } figcaption { font-size: .85rem; color: #626a73; }
svg text { font: 10px system-ui, sans-serif; fill: #30353b; } image { image-rendering: pixelated; }
table { border-collapse: collapse; font-size: .92rem; } td, th { padding: .2rem .8rem; text-align: right; }
th { border-bottom: 1px solid #8a9199; font-weight: 600; } td:first-child, th:first-child { text-align: left; }
.note { color: #626a73; font-size: .92rem; max-width: 60rem; }
"""

NOTE = """
Colour of a word: how many times an even share of the sentence it got ({full} or more: full colour). For {human} that is
the mean number of fixations; for a model the attention that the words of the sentence give it, mean over layers and
heads, [CLS] and [SEP] left out. Sentences were not picked by hand: the first with 8 to 25 words of each document.
Differences between models that were trained once each are a quick look.
"""

CAVEAT = """
Mean over sentences of the rank correlation between attention received and the participants' mean fixations, with 95%
intervals from a bootstrap over sentences. Word length alone is the yardstick. The gaze regressor whose scores CogBERT
uses was trained on this same corpus, so for CogBERT this is not a test on unseen text.
"""


def page(
    sentences: Sequence[Sentence],
    shown: Sequence[int],
    models: Sequence[ModelAttention],
    agreement: pd.DataFrame,
    path: Path,
) -> Path:
    """Write the page: the table of correlations, then for each shown sentence words in colour and heat maps.

    The first model is the plain encoder; for every other one its difference to it is drawn as well.
    """
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'><title>Attention beside human fixations</title>",
        f"<style>{STYLE}</style></head><body><h1>Attention beside human fixations</h1>",
        f"<p class='note'>{NOTE.format(full=FULL, human=HUMAN)}</p>",
        _table(agreement),
        f"<p class='note'>{CAVEAT}</p>",
    ]
    for i in shown:
        sentence = sentences[i]
        parts.append(f"<h2>{escape(sentence.document)}, sentence {sentence.number + 1}</h2>")
        titles = [f"{count:.2f} fixations" for count in sentence.n_fix]
        parts.append(_highlighted(HUMAN, sentence.words, sentence.fixations, titles, COLOURS[1]))
        for model in models:
            share = model.received()[i]
            titles = [f"{value:.2f} times an even share" for value in share]
            parts.append(_highlighted(model.name, sentence.words, share, titles, COLOURS[0]))
        parts += [_maps(i, sentence, models, layer) for layer in (0, len(models[0].maps[i]) - 1)]
    path.write_text("\n".join([*parts, "</body></html>"]) + "\n", encoding="utf-8")
    return path


def figure(
    sentences: Sequence[Sentence],
    shown: Sequence[int],
    models: Sequence[ModelAttention],
    agreement: pd.DataFrame,
    path: Path,
) -> Path:
    """Strips of coloured words for the shown sentences, and the correlations with their intervals."""
    rows = 1 + len(models)
    heights = [0.27 * rows + 0.3] * len(shown) + [0.3 * (rows + 1) + 0.55]
    with styled():
        canvas, panels = plt.subplots(
            len(heights), 1, figsize=(11, sum(heights)), height_ratios=heights, layout="constrained"
        )
        for axes, i in zip(panels[:-1], shown, strict=True):
            strips = [(HUMAN, sentences[i].fixations, COLOURS[1])]
            strips += [(model.name, model.received()[i], COLOURS[0]) for model in models]
            _strips(axes, sentences[i], strips)
        _correlations(panels[-1], agreement)
        return save(canvas, path)


def _strips(axes: plt.Axes, sentence: Sentence, strips: Sequence[tuple[str, np.ndarray, str]]) -> None:
    """The sentence once per strip; a word's cell is as wide as its letters."""
    widths = np.array([len(word) + 1.2 for word in sentence.words])
    starts = np.concatenate([[0], widths.cumsum()])
    size = min(8.5, 10 * 72 * 0.86 / starts[-1] / 0.6)  # a monospaced letter is 0.6 of its size wide
    for place, (_, values, colour) in enumerate(strips):
        for word, value, start, width in zip(sentence.words, values, starts, widths, strict=False):
            strength = _strength(value)
            axes.add_patch(
                plt.Rectangle((start, place - 0.42), width - 0.15, 0.84, color=colour, alpha=strength, linewidth=0)
            )
            axes.text(
                start + width / 2,
                place,
                word,
                ha="center",
                va="center",
                fontsize=size,
                family="monospace",
                color="white" if strength > WHITE_FROM else INK,
            )
    axes.set_xlim(*((starts[-1], 0) if _right_to_left(sentence.words) else (0, starts[-1])))
    axes.set_ylim(len(strips) - 0.5, -0.5)
    axes.set_yticks(range(len(strips)), [name for name, _, _ in strips])
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(f"{sentence.document}, sentence {sentence.number + 1}", fontsize=9, color=QUIET)


def _correlations(axes: plt.Axes, agreement: pd.DataFrame) -> None:
    rows = agreement[agreement["layers"].isin(["", "all"])].reset_index(drop=True)
    axes.axvline(0, color=RULE, linewidth=1)
    for place, row in rows.iterrows():
        colour = COLOURS[0] if row.layers else QUIET
        axes.plot([row.ci_low, row.ci_high], [place, place], color=colour, linewidth=2.2)
        axes.plot(row.spearman, place, "o", color=colour, markersize=6.5)
        axes.annotate(
            f"{row.spearman:.2f}",
            (row.ci_high, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(range(len(rows)), rows["who"])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.margins(x=0.08)
    axes.set_xlabel(
        f"rank correlation with fixation counts, mean over {rows['sentences'].iloc[0]} sentences, 95% interval"
    )


def _table(agreement: pd.DataFrame) -> str:
    def cell(value: float, low: float, high: float, sign: str = "") -> str:
        value, low, high = (round(number, 3) + 0.0 for number in (value, low, high))  # + 0.0: no negative zero
        return "" if np.isnan(value) else f"{value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"

    plain = agreement["who"].iloc[1]
    lines = [
        f"<tr><td>{escape(row.who)}</td><td>{row.layers}</td><td>{cell(row.spearman, row.ci_low, row.ci_high)}</td>"
        f"<td>{cell(row.delta, row.delta_low, row.delta_high, '+')}</td></tr>"
        for row in agreement.itertuples()
    ]
    head = f"<tr><th></th><th>layers</th><th>Spearman with fixations</th><th>difference to {escape(plain)}</th></tr>"
    first = agreement.iloc[0]
    return f"<table>{head}{''.join(lines)}</table><p class='note'>{first.sentences} sentences, {first.words} words.</p>"


def _highlighted(who: str, words: Sequence[str], values: np.ndarray, titles: Sequence[str], colour: str) -> str:
    spans = []
    for word, value, title in zip(words, values, titles, strict=True):
        strength = _strength(value)
        red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
        text = ";color:#fff" if strength > WHITE_FROM else ""
        spans.append(
            f"<span class='word' title='{title}' style='background:rgba({red},{green},{blue},{strength:.3f})"
            f"{text}'>{escape(word)}</span>"
        )
    side = " dir='rtl'" if _right_to_left(words) else ""
    return f"<div class='row'><div class='who'>{escape(who)}</div><div{side}>{' '.join(spans)}</div></div>"


def _maps(i: int, sentence: Sentence, models: Sequence[ModelAttention], layer: int) -> str:
    """Heat maps of one layer: each model, and each model's difference to the first."""
    labels = ["[CLS]", *sentence.words, "[SEP]"]
    maps = [model.maps[i][layer] for model in models]
    top = max(float(found[:, 1:-1].max()) for found in maps)
    drawn = [
        _heat(found, labels, f"{model.name}, layer {layer + 1}", "Blues", 0, top)
        for found, model in zip(maps, models, strict=True)
    ]
    for found, model in zip(maps[1:], models[1:], strict=True):
        change = found - maps[0]
        reach = max(float(np.abs(change).max()), 1e-12)
        title = f"{model.name} minus {models[0].name}, layer {layer + 1} (largest {reach:.3f})"
        drawn.append(_heat(change, labels, title, "RdBu_r", -reach, reach))
    return f"<div class='maps'>{''.join(drawn)}</div>"


def _heat(values: np.ndarray, labels: Sequence[str], title: str, colours: str, low: float, high: float) -> str:
    """One heat map as inline SVG: rows attend, columns are attended to."""
    pixels = io.BytesIO()
    plt.imsave(pixels, values, cmap=colours, vmin=low, vmax=high, format="png", metadata={"Software": None})
    side, margin = CELL * len(labels), 8 + 6 * max(map(len, labels))
    image = base64.b64encode(pixels.getvalue()).decode()
    names = "".join(
        f"<text x='{margin - 4}' y='{margin + CELL * (k + 0.75):.1f}' text-anchor='end'>{escape(label)}</text>"
        f"<text transform='translate({margin + CELL * (k + 0.75):.1f} {margin - 4}) rotate(-90)'>{escape(label)}</text>"
        for k, label in enumerate(labels)
    )
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f"<svg width='{margin + side}' height='{margin + side}' role='img' aria-label='{escape(title, quote=True)}'>"
        f"<image x='{margin}' y='{margin}' width='{side}' height='{side}'"
        f" href='data:image/png;base64,{image}'/>{names}</svg></figure>"
    )


def _right_to_left(words: Sequence[str]) -> bool:
    """Whether the sentence runs from right to left: so does its first letter with a direction."""
    kinds = (unicodedata.bidirectional(letter) for word in words for letter in word)
    return next((kind in ("R", "AL") for kind in kinds if kind in ("L", "R", "AL")), False)


def _strength(value: float) -> float:
    """Opacity of a word's colour."""
    return float(min(max(value, 0) / FULL, 1) * 0.9)
