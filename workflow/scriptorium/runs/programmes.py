"""What the default target and the programmes of the papers (`snakemake cogbert`, `snakemake mpnet`) make."""

from __future__ import annotations

from collections.abc import Iterable

from scriptorium.runs.configured import Run
from scriptorium.runs.evaluations import EVALUATIONS, EvaluationRuns
from scriptorium.runs.finetuning import FinetuningRuns

GAZE_TABLES = ("results/tables/gaze_regressor.tsv", "results/tables/gaze_corpora.tsv", "results/gaze/significance.tsv")
ATTENTION = "results/figures/attention.html"


class Programmes(FinetuningRuns, EvaluationRuns):
    """Tables and figures by what asks for them. A programme is named by the studies that belong to it."""

    def programmes(self) -> list[str]:
        """The programmes that the configured studies name."""
        studies = self.config.all_studies.values()
        return list(dict.fromkeys(study.programme for study in studies if study.programme))

    def default_tables(self) -> list[str]:
        """What the default report shows."""
        return [
            *GAZE_TABLES,
            *(["results/tables/pretrain.tsv"] if self.pretraining else []),
            *(f"results/tables/{name}.tsv" for name in EVALUATIONS if "" in self.asking(name)),
            *(f"results/tables/finetune_{study}.tsv" for study in self.default_studies()),
            *([ATTENTION] if self.config.attention else []),
        ]

    def programme_tables(self, name: str) -> list[str]:
        """What a programme's report shows: its studies, what they rest on, and the claims of its paper."""
        return [
            *(self._gaze_tables() if self._rests_on_gaze(name) else []),
            *(f"results/tables/pretrain_{study}.tsv" for study in self.pretraining_programme(name)),
            *(
                f"results/tables/{evaluation}_{study}.tsv"
                for study in self.pretraining_programme(name)
                for evaluation in EVALUATIONS
                if f"_{study}" in self.asking(evaluation)
            ),
            *(
                f"results/figures/objectives_{study}.html"
                for study in self.pretraining_programme(name)
                if self.config.pretraining.studies[study].pictures
            ),
            *self.figures(self.programme(name)),
            *(
                f"results/tables/{kind}_{study}.tsv"
                for kind, studies in (
                    ("translation", self.config.translation_studies),
                    ("generate", self.config.generation_studies),
                )
                for study, entry in studies.items()
                if entry.programme == name
            ),
            f"results/tables/claims_{name}.tsv",
        ]

    def programme_models(self, name: str) -> list[str]:
        """What a programme makes beside its tables: models that people use."""
        return [self.predictor_manifest] if self._rests_on_gaze(name) and self.config.gaze.predictor else []

    def figures(self, studies: Iterable[str]) -> list[str]:
        """Tables of studies, and the figures that they ask for beside the usual one."""
        chosen = {name: self.config.studies[name] for name in studies}
        return (
            [f"results/tables/finetune_{name}.tsv" for name in chosen]
            + [f"results/tables/{kind}_{name}.tsv" for name, study in chosen.items() for kind in study.figures]
            + [f"results/tables/protocols_{name}.tsv" for name, study in chosen.items() if study.beside]
        )

    def expected(self) -> list[Run]:
        """The training runs of the default target."""
        return [*self.regressors, *self.pretraining, *self.finetuned_in(self.default_studies())]

    def _rests_on_gaze(self, name: str) -> bool:
        return any(self.fused(study) for study in self.programme(name))

    def _gaze_tables(self) -> list[str]:
        shared_task = ["results/tables/gaze_cmcl2021.tsv"] if self.has_cmcl2021() else []
        return [*GAZE_TABLES, *shared_task, *([ATTENTION] if self.config.attention else [])]
