"""What the body of a fine-tuned model is: everything that differs between an encoder and a model that writes text.

A body is one module of tasks/bodies/ with one object `BODY`, a subclass of Body, whose defaults are an encoder's. A
specification names it (`body.name`), so the digest of a run covers its own body alone. Nothing heavy is imported here
or at the top of a body, since the objects also answer while the DAG is built: which kinds of task they can do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium import named
from scriptorium.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import transformers

    from scriptorium.tasks.kind import Outputs, TaskKind
    from scriptorium.tasks.spec import BodySpec, FinetuneSpec

PACKAGE = "scriptorium.tasks.bodies"
WRITERS = {"bart": "bart", "gpt2": "causal", "llama": "causal", "t5": "t5"}  # model_type in config.json: its body


def body_of(spec: BodySpec | None) -> Body:
    """The body that a specification names; an encoder's, if it names none."""
    return Body() if spec is None else named.load(PACKAGE, spec.name).BODY


class Body:
    """The defaults are those of an encoder with a head of transformers."""

    model_types: tuple[str, ...] = ()  # in config.json; empty: all but those of WRITERS
    takes_prefix: bool = False
    refused: str = ""  # what to do instead, where a kind of task is not taken

    # Asked while the DAG is built

    def takes(self, kind: str) -> bool:
        """Whether it can be fine-tuned on tasks of this kind."""
        return True

    # Asked while a model is fine-tuned

    def reading(self, tokenizer: transformers.PreTrainedTokenizerFast) -> transformers.PreTrainedTokenizerFast:
        """The backbone's tokenizer, or a copy that writes texts and pairs as this body reads them."""
        return tokenizer

    def texts(self, prepared: pd.DataFrame, spec: BodySpec | None) -> pd.DataFrame:
        """A prepared split with its texts as they are read."""
        return prepared

    def check(self, config: transformers.PreTrainedConfig, backbone: Path) -> None:
        """Raises UserError for a saved model of another body, or one that lacks what this body needs."""
        found = config.model_type
        if not self.model_types and found in WRITERS:
            raise UserError(
                f"a {found} model writes text, and its recipe takes it for an encoder",
                where=backbone,
                remedy=f"set body: {{name: {WRITERS[found]}}} in the recipe",
            )
        if self.model_types and found not in self.model_types:
            raise UserError(
                f"a {found} model, and this body is for {' and '.join(self.model_types)}",
                where=backbone,
                remedy="correct body.name in the recipe, or leave body out for an encoder",
            )

    def model_class(self, kind: TaskKind) -> type:
        """The class, of transformers or beside it, that has the head of this kind of task."""
        return kind.model_class()

    def settings(self, spec: FinetuneSpec, backbone: Path) -> dict[str, Any]:
        """Fields of the model's configuration beside those of the head."""
        return {}

    def loading(self, kind: TaskKind, model_type: str) -> dict[str, Any]:
        """Arguments of `from_pretrained`, where the names of saved weights are not the head's."""
        return {}

    def scores(self, outputs: Outputs) -> Outputs:
        """What the kind of task reads, of a model's outputs."""
        return outputs

    def more(self, predicted: pd.DataFrame, outputs: Outputs) -> pd.DataFrame:
        """The table of predictions with what this body adds to it; outputs: one row per prediction."""
        return predicted

    def measures(self, predicted: pd.DataFrame) -> dict[str, float]:
        """Metrics of that, names without test/."""
        return {}

    def backbone_class(self) -> type:
        """The class as which a fine-tuned model without its head is saved."""
        from transformers import AutoModel

        return AutoModel
