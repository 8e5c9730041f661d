"""Training and using gaze predictors: from words to word pieces, one fit, and predictions of many texts.

Everything is a pure function of the seed and the data on one machine: one CPU thread, deterministic algorithms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import transformers

from scriptorium.engine.precision import cpu_has_bf16
from scriptorium.errors import UserError
from scriptorium.gaze.predictor.model import GazePredictor, Window, collate
from scriptorium.gaze.threads import one_thread
from scriptorium.linguistics.align import piece_words, word_spans
from scriptorium.linguistics.surface import SURFACE, surface

POOL = 8  # batches whose windows are sorted by length together: hardly any padding, hardly less random


class SentenceTokenizer:
    """Tokenises sentences, word by word, into windows that an encoder takes at once; counts what does not fit.

    A word without any piece (invisible characters only) gets the unknown piece: `erased`. A sentence longer than the
    encoder is read in several windows, cut between words: `windowed` counts such sentences. A word longer than the
    encoder loses its last pieces: `cut`. Surface features are always those of the whole sentence.
    """

    def __init__(self, tokenizer: transformers.PreTrainedTokenizerBase, positions: int):
        """positions: the most pieces that the encoder takes. Raises UserError unless the tokenizer is a fast one."""
        if not tokenizer.is_fast:
            raise UserError(
                "the gaze predictor needs a fast tokenizer (with character offsets)",
                where=tokenizer.name_or_path,
                remedy="add its tokenizer.json",
            )
        one = tokenizer("a", return_special_tokens_mask=True)
        middle = [i for i, special in enumerate(one["special_tokens_mask"]) if not special]
        self.before = one["input_ids"][: middle[0]] if middle else []
        self.after = one["input_ids"][middle[-1] + 1 :] if middle else []
        self.tokenizer = tokenizer
        self.room = positions - len(self.before) - len(self.after)
        self.erased = self.windowed = self.cut = 0

    def __call__(
        self, sentences: Sequence[Sequence[str]], values: Sequence[np.ndarray] | None = None
    ) -> list[list[Window]]:
        """The windows (mostly one) of each sentence; values [words, measures] for training."""
        if not sentences:
            return []
        texts = [" ".join(words) for words in sentences]
        encoded = self.tokenizer(
            texts, add_special_tokens=False, return_offsets_mapping=True, truncation=False, padding=False, verbose=False
        )
        found = []
        for i, (words, features) in enumerate(zip(sentences, surface(sentences), strict=True)):
            word_of = piece_words(encoded["offset_mapping"][i], word_spans(texts[i]))
            pieces = self._by_word(np.array(encoded["input_ids"][i], dtype=np.int64), word_of, len(words))
            slices = self._slices(pieces)
            self.windowed += len(slices) > 1
            found.append(
                [self._window(pieces[w], features[w], None if values is None else values[i][w]) for w in slices]
            )
        return found

    def notes(self) -> list[str]:
        """What did not fit so far, with counts."""
        counts = {
            "words left no word piece; they were read as an unknown word": self.erased,
            "sentences are longer than the encoder; they were read in several windows": self.windowed,
            "words have more pieces than the encoder takes; their ends were not read": self.cut,
        }
        return [f"{count} {meaning}" for meaning, count in counts.items() if count]

    def _by_word(self, pieces: np.ndarray, word_of: np.ndarray, words: int) -> list[np.ndarray]:
        found = [pieces[word_of == word] for word in range(words)]
        for word, own in enumerate(found):
            if not len(own):
                self.erased += 1
                found[word] = np.array([self.tokenizer.unk_token_id or 0])
            elif len(own) > self.room:
                self.cut += 1
                found[word] = own[: self.room]
        return found

    def _slices(self, pieces: list[np.ndarray]) -> list[slice]:
        slices, start, used = [], 0, 0
        for word, own in enumerate(pieces):
            if used + len(own) > self.room:
                slices.append(slice(start, word))
                start, used = word, 0
            used += len(own)
        return [*slices, slice(start, len(pieces))]

    def _window(self, pieces: list[np.ndarray], features: np.ndarray, values: np.ndarray | None) -> Window:
        owner = np.repeat(np.arange(len(pieces)), [len(own) for own in pieces])
        word_of = np.concatenate([np.full(len(self.before), -1), owner, np.full(len(self.after), -1)])
        return Window(np.concatenate([self.before, *pieces, self.after]).astype(np.int64), word_of, features, values)


def fit(
    encoder: transformers.PreTrainedModel,
    windows: Sequence[Window],
    *,
    measures: Sequence[str],
    upper: Sequence[float | None],
    pad_id: int,
    head_size: int,
    dropout: float,
    epochs: int,
    batch_size: int,
    lr: float,
    head_lr: float,
    weight_decay: float,
    warmup: float,
    precision: str,
    seed: Sequence[int],
    after_epoch: Callable[[int, float, GazePredictor], None] | None = None,
) -> GazePredictor:
    """Fine-tune `encoder` (it is changed) with a new head for a fixed number of epochs, and return the predictor.

    AdamW, linear warm-up and decay, two rates: the encoder's and the head's. The embedding table is left as it is:
    few of its rows occur in so little text. precision: fp32 or bf16, of the matrix products; auto: bf16
    where the processor has it, else fp32. Initial head, dropout
    and order are functions of `seed` alone; `after_epoch(epoch, mean loss, model)` only watches.
    """
    in_bf16 = precision == "bf16" or (precision == "auto" and cpu_has_bf16())
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.default_rng([*seed, 0]).integers(2**31)))
        model = GazePredictor.around(
            encoder,
            measures=list(measures),
            upper=list(upper),
            surface=list(SURFACE),
            head_size=head_size,
            dropout=dropout,
        )
        model.standardise(np.concatenate([r.features for r in windows]), np.concatenate([r.values for r in windows]))
        encoder.get_input_embeddings().weight.requires_grad_(False)
        groups = [
            {"params": [p for p in encoder.parameters() if p.requires_grad], "lr": lr},
            {"params": list(model.head.parameters()), "lr": head_lr},
        ]
        optimiser = torch.optim.AdamW(groups, weight_decay=weight_decay)
        steps = epochs * -(-len(windows) // batch_size)
        schedule = transformers.get_linear_schedule_with_warmup(optimiser, int(warmup * steps), steps)
        for epoch in range(1, epochs + 1):
            model.train()
            losses = []
            for chosen in batches([len(r.pieces) for r in windows], batch_size, [*seed, epoch]):
                with torch.autocast("cpu", torch.bfloat16, enabled=in_bf16):
                    loss = model(**collate([windows[i] for i in chosen], pad_id)).loss
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                losses.append(loss.item())
            if after_epoch:
                after_epoch(epoch, float(np.mean(losses)), model)
    encoder.get_input_embeddings().weight.requires_grad_(True)
    return model.eval()


def batches(lengths: Sequence[int], size: int, seed: Sequence[int]) -> list[np.ndarray]:
    """Every index once, in random batches of similar length: a pure function of the arguments."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(lengths))
    found = []
    for start in range(0, len(order), POOL * size):
        pool = order[start : start + POOL * size]
        pool = pool[np.argsort(np.asarray(lengths)[pool], kind="stable")]
        found += [pool[at : at + size] for at in range(0, len(pool), size)]
    return [found[i] for i in generator.permutation(len(found))]


def predict(model: GazePredictor, sentences: Sequence[Sequence[Window]], pad_id: int, size: int = 32) -> np.ndarray:
    """Predictions [words, measures] float32 of all words, sentence after sentence; the windows of each sentence."""
    flat = [window for windows in sentences for window in windows]
    found: list[np.ndarray] = [np.zeros((0, len(model.config.measures)), np.float32)] * len(flat)
    order = np.argsort([len(r.pieces) for r in flat], kind="stable")
    model.eval()
    with one_thread(), torch.inference_mode():
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            batch = collate([Window(flat[i].pieces, flat[i].word_of, flat[i].features) for i in chosen], pad_id)
            out = model(**batch).predictions.numpy()
            for row, i in enumerate(chosen):
                found[i] = out[row, : len(flat[i].features)]
    return np.concatenate(found) if found else np.zeros((0, len(model.config.measures)), np.float32)
