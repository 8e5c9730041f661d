"""ELMo's two stacks of LSTMs over texts that stand side by side in a row."""

from __future__ import annotations

import torch
import transformers
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transformers.modeling_outputs import BaseModelOutput

from scriptorium.models import owners
from scriptorium.models.dropout import Dropout


class ElmoConfig(transformers.PreTrainedConfig):
    """hidden_size: of both directions together · intermediate_size: cells of an LSTM · tokens: the vocabulary without
    its padding. initializer_range is that of the embeddings; LSTMs begin as torch's do."""

    model_type = "scriptorium-elmo"

    vocab_size: int = 30_000
    tokens: int | None = None
    hidden_size: int = 1024
    num_hidden_layers: int = 2
    num_attention_heads: int = 1  # there is no attention; it is kept so that a recipe's shape is told back
    intermediate_size: int = 4096
    hidden_dropout_prob: float = 0.1
    initializer_range: float = 0.1
    frozen: bool = True  # under a task's head the language model stays as it is
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | None = None
    tie_word_embeddings: bool = True


class ElmoPreTrained(transformers.PreTrainedModel):
    """What ELMo's classes have in common."""

    config_class = ElmoConfig
    config: ElmoConfig
    base_model_prefix = "elmo"
    _no_split_modules = ("LSTM",)


class ElmoModel(ElmoPreTrained):
    """Embeddings and both stacks; state of one text never reaches another."""

    def __init__(self, config: ElmoConfig):
        super().__init__(config)
        width = config.hidden_size // 2
        self.embeddings = nn.Embedding(config.vocab_size, width)
        self.forwards, self.backwards = (
            nn.ModuleList(
                nn.LSTM(width, config.intermediate_size, proj_size=width, batch_first=True)
                for _ in range(config.num_hidden_layers)
            )
            for _ in range(2)
        )
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embeddings

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        self.embeddings = value

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, output_hidden_states: bool = False, **_: object
    ) -> BaseModelOutput:
        """States [B, L, d] of tokens [B, L]: each direction has read the token itself. attention_mask: 0 is padding.

        hidden_states: the embeddings, twice side by side, and every layer's, each [B, L, d].
        """
        real = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        layers = self.layers(input_ids, input_ids, real.long() - 1)
        joined = tuple(torch.cat(both, -1) for both in layers)
        return BaseModelOutput(last_hidden_state=joined[-1], hidden_states=joined if output_hidden_states else None)

    def layers(self, forward_ids: Tensor, backward_ids: Tensor, texts: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Of the embeddings and of every layer the states of both directions, [B, L, d / 2] each.

        Each direction reads ids of its own, [B, L]; texts [B, L]: the number of the text of a token, -1 of padding.
        """
        order = Texts(texts)
        states = [self.embeddings(forward_ids), self.embeddings(backward_ids)]
        found = [(states[0], states[1])]
        for pair in zip(self.forwards, self.backwards, strict=True):
            states = [
                order.through(lstm, self.dropout(each), backwards=bool(number))
                for number, (lstm, each) in enumerate(zip(pair, states, strict=True))
            ]
            found.append((states[0], states[1]))
        return found


class Texts:
    """The texts of rows [B, L], each a sequence of its own for an LSTM. Padding (-1) is a text that nobody asks for."""

    def __init__(self, texts: Tensor):
        place = owners.places(texts)
        self.number = (place == 0).flatten().cumsum(0) - 1
        self.place = place.flatten()
        self.lengths = torch.bincount(self.number)

    def through(self, lstm: nn.LSTM, states: Tensor, *, backwards: bool) -> Tensor:
        """States [B, L, w] -> [B, L, w]: every text is read by itself, from its first or from its last token."""
        place = self.lengths[self.number] - 1 - self.place if backwards else self.place
        rows = states.new_zeros(len(self.lengths), int(self.lengths.max()), states.shape[-1])
        rows = rows.index_put((self.number, place), states.flatten(0, 1))
        packed = pack_padded_sequence(rows, self.lengths.cpu(), batch_first=True, enforce_sorted=False)
        read, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True)
        return read[self.number, place].view_as(states)
