"""What scores sentences in a run: a pre-trained model, the same with random weights, and frequencies of its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import transformers

from scriptorium import named
from scriptorium.engine import training
from scriptorium.fetching.checkpoints import check_checkpoint
from scriptorium.job import Job
from scriptorium.minimal_pairs import scoring
from scriptorium.minimal_pairs.sentences import Sentence, encode
from scriptorium.objectives.unigram import log_frequencies
from scriptorium.text.blocks import Blocks
from scriptorium.text.plain import as_text
from scriptorium.text.tokenizers import load_tokenizer

TOKENS = 8192  # in a batch


class Scorers:
    """The scorers of a job with inputs `model`, a pre-training run, and `blocks`, its packed corpus.

    likelihood: name of a module of minimal_pairs/likelihoods; seed: of the random weights. Raises UserError: what is
    saved is no checkpoint. tokenizer: the model's; kind: what its scores are (likelihoods/__init__.py).
    """

    def __init__(self, job: Job, likelihood: str, seed: int):
        directory = job.input_dir("model") / "model"
        check_checkpoint(directory)
        self.job, self.tokenizer = job, as_text(load_tokenizer(directory))
        self.likelihood = named.load("scriptorium.minimal_pairs.likelihoods", likelihood)
        self.kind: str = self.likelihood.KIND
        training.prepare(job, seed)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        trained = self.likelihood.MODEL.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False, dtype=torch.float32
        )
        torch.manual_seed(seed)
        untrained = type(trained)(trained.config)
        self.models = {scoring.MODEL: trained.eval().to(device), scoring.RANDOM: untrained.eval().to(device)}

    def encode(self, texts: Sequence[str]) -> list[Sentence]:
        """Word pieces. Raises UserError for a text that is empty or too long for the model."""
        return encode(self.tokenizer, texts, self.models[scoring.MODEL].config)

    def __call__(self, sentences: Sequence[Sentence]) -> dict[str, np.ndarray]:
        """Scorer -> log-likelihoods in nats, float64 [sentences]. Raises Interrupted when the job should stop."""
        with self.job.impl.saving_on_sigterm():
            found = {
                name: scoring.in_chunks(self.job, name, self._by(model), sentences)
                for name, model in self.models.items()
            }
        frequencies = log_frequencies(Blocks(self.job.input_dir("blocks") / "train.arrow"), self.tokenizer)
        return found | {scoring.UNIGRAM: scoring.unigram(frequencies)(sentences)}

    def _by(self, model: transformers.PreTrainedModel) -> scoring.Scores:
        return lambda chunk: self.likelihood.scores(model, self.tokenizer, chunk, TOKENS)
