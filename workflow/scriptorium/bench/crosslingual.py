"""How fast cross-lingual work is: a bilingual step of VECO beside its naive form, beam search beside Marian's, nearest
texts beside a plain product."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from scriptorium.bench import veco_naive
from scriptorium.bench.spec import SearchShape, StepShape, TranslationShape
from scriptorium.bench.timing import Ratio, interleaved
from scriptorium.ledger import Ledger
from scriptorium.models import veco
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.veco.translation import translator
from scriptorium.objectives import veco as objective
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec.pairs import VecoSpec
from scriptorium.retrieval.nearest import both_ways, unit
from scriptorium.text import packing_pairs
from scriptorium.text.blocks import Blocks
from scriptorium.text.spec import PackPairsSpec

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
COLUMNS = ("lang_a", "lang_b", "text_a", "text_b")  # of a corpus of pairs
PAIRS = 400  # of the corpus, enough for some blocks
DROPOUT = 0.1
POSITIONS = 512  # of a translator
LARGE_VOCABULARY, STEP_TARGETS = 100_000, (1.5, 2.0)  # with a smaller vocabulary, with a larger one
SEARCH_TARGET, NEAREST_TARGET, MEMORY_TARGET = 1.0, 1.0, 10.0


def step_ratio(pairs: pd.DataFrame, shape: StepShape, runs: int) -> Ratio:
    """Forward and backward of all terms on the same texts and masks, float32, with dropout.

    pairs: lang_a, lang_b, text_a and text_b, translations.
    """
    model, batch = step_sides(pairs, shape)
    rows = veco_naive.unpacked(batch, model.config.pad_token_id)

    def naive() -> None:
        model.zero_grad()
        veco_naive.step(model, rows)

    target = STEP_TARGETS[shape.pieces >= LARGE_VOCABULARY]
    unit_name = "naive step time / our step time"
    peer = "a pass per term, H anew, head on all positions, padded"
    ratios = interleaved(stepping(model, batch), naive, runs)
    return Ratio(f"bilingual VECO step, {shape.name}", peer, ratios, target, unit_name)


def stepping(model: veco.VecoForMaskedLM, batch: dict[str, torch.Tensor]) -> Callable[[], None]:
    """A function that goes forward and backward on the batch."""

    def step() -> None:
        model.zero_grad()
        model(**batch)["loss"].backward()

    return step


def step_sides(
    pairs: pd.DataFrame, shape: StepShape, dropout: float = DROPOUT
) -> tuple[veco.VecoForMaskedLM, dict[str, torch.Tensor]]:
    """A new model of this shape in training, and a batch of packed bilingual blocks with masks."""
    tokenizer = word_level([*pairs["text_a"], *pairs["text_b"]], shape.pieces)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        blocks = packed(pairs, tokenizer, shape, Path(folder))
        data = objective.MaskedPairs(blocks, VecoSpec(), tokenizer, training_draws(0))
        batch = objective.collate([data[index] for index in range(shape.blocks)])
    return veco.build(encoder(shape, 2 * shape.length, dropout), tokenizer).train(), batch


def encoder(shape: StepShape | TranslationShape, positions: int, dropout: float = DROPOUT) -> EncoderSpec:
    """An encoder of this shape for texts of so many positions."""
    return EncoderSpec(
        layers=shape.layers,
        hidden_size=shape.width,
        heads=shape.heads,
        intermediate_size=4 * shape.width,
        max_positions=positions,
        dropout=dropout,
    )


def word_level(texts: list[str], pieces: int) -> transformers.PreTrainedTokenizerFast:
    """A vocabulary of `pieces`: the words and marks of these texts, common ones first, and words that never occur."""
    split = pre_tokenizers.BertPreTokenizer()
    counts = Counter(word for text in texts for word, _ in split.pre_tokenize_str(text))
    words = [word for word, _ in counts.most_common(pieces - len(SPECIAL))]
    words += [f"unused word {number}" for number in range(pieces - len(SPECIAL) - len(words))]
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate([*SPECIAL, *words])}, unk_token="[UNK]"))
    core.pre_tokenizer = split
    names = {f"{name.strip('[]').lower()}_token": name for name in SPECIAL}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, **names)


def packed(
    pairs: pd.DataFrame, tokenizer: transformers.PreTrainedTokenizerBase, shape: StepShape, folder: Path
) -> Blocks:
    """The train blocks of these pairs, packed into folder/packed as a run's are; there are no documents."""
    rows = pairs[list(COLUMNS)].assign(split="train")
    rows.loc[rows.index[-1], "split"] = "validation"
    rows.to_parquet(folder / "pairs.parquet")
    empty = pd.DataFrame({name: pd.Series([], dtype="string") for name in ("split", "language", "text")})
    empty.to_parquet(folder / "documents.parquet")
    ledger = Ledger.open(folder / "run", key="bench", stage="bench")
    spec = PackPairsSpec(block_length=2 * shape.length)
    tables = folder / "documents.parquet", folder / "pairs.parquet"
    packing_pairs.pack(*tables, tokenizer, spec, folder / "packed", ledger)
    ledger.finish("FINISHED")
    blocks = Blocks(folder / "packed" / "train.arrow")
    if len(blocks) < shape.blocks:
        raise ValueError(f"{len(pairs)} pairs fill {len(blocks)} blocks, {shape.blocks} are needed")
    return blocks


def translation_ratio(shape: TranslationShape, runs: int) -> Ratio:
    """Beam search with random weights; every text gets `length` tokens from either side."""
    ours, peer = translators(shape)
    generator = torch.Generator().manual_seed(0)
    texts = torch.randint(len(SPECIAL), shape.pieces, (shape.texts, shape.length), generator=generator)
    case = f"beam search, {shape.name}"
    ratios = interleaved(searching(ours, texts, shape), searching(peer, texts, shape), runs)
    return Ratio(case, "transformers MarianMTModel", ratios, SEARCH_TARGET, "our tokens/s / peer's tokens/s")


def translators(shape: TranslationShape) -> tuple[transformers.PreTrainedModel, transformers.PreTrainedModel]:
    """Ours and Marian's, of the same size, with random weights."""
    torch.manual_seed(0)
    tokenizer = word_level([], shape.pieces)
    ours = translator(veco.build(encoder(shape, POSITIONS), tokenizer), shape.layers)
    sizes = {"layers": shape.layers, "attention_heads": shape.heads, "ffn_dim": 4 * shape.width}
    config = transformers.MarianConfig(
        vocab_size=shape.pieces,
        d_model=shape.width,
        max_position_embeddings=POSITIONS,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        decoder_start_token_id=tokenizer.cls_token_id,
        forced_eos_token_id=None,
        **{f"{side}_{name}": size for side in ("encoder", "decoder") for name, size in sizes.items()},
    )
    return ours.eval(), transformers.MarianMTModel(config).eval()


def searching(
    model: transformers.PreTrainedModel, texts: torch.Tensor, shape: TranslationShape
) -> Callable[[], torch.Tensor]:
    """A function that translates the texts."""

    def translate() -> torch.Tensor:
        with torch.inference_mode():
            return model.generate(
                texts,
                attention_mask=torch.ones_like(texts),
                num_beams=shape.beams,
                do_sample=False,
                min_new_tokens=shape.length,
                max_new_tokens=shape.length,
            )

    return translate


def nearest_ratios(shape: SearchShape, runs: int) -> list[Ratio]:
    """The nearest text of every text, both ways, by time and by peak memory beside the vectors."""
    generator = np.random.default_rng(0)
    x, y = (unit(generator.standard_normal((shape.texts, shape.width), dtype=np.float32)) for _ in "xy")

    def ours() -> tuple[np.ndarray, np.ndarray]:
        forward, backward = both_ways(x, y, 1)
        return forward.rows[:, 0], backward.rows[:, 0]

    def plain() -> tuple[np.ndarray, np.ndarray]:
        product = x @ y.T
        return product.argmax(axis=1), product.argmax(axis=0)

    case, peer = f"nearest texts both ways, {shape.name}", "plain numpy product"
    memory = _peak(plain) / _peak(ours)
    return [
        Ratio(case, peer, interleaved(ours, plain, runs), NEAREST_TARGET, "peer's time / our time"),
        Ratio(f"{case}: memory", peer, (memory,), MEMORY_TARGET, "peer's peak memory / our peak memory"),
    ]


def _peak(call: Callable[[], object]) -> int:
    """Bytes that a call has at most, of those that numpy and Python ask for."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
