"""What the papers claim, and the runs that tell."""

from __future__ import annotations

from scriptorium.config.claims import Claim
from scriptorium.config.claims import rows as of_claims
from scriptorium.runs.configured import Run
from scriptorium.runs.evaluations import EVALUATIONS, EvaluationRuns
from scriptorium.runs.finetuning import FinetuningRuns
from scriptorium.runs.folders import made_in
from scriptorium.runs.generation import GenerationRuns
from scriptorium.runs.translation import TranslationRuns
from scriptorium.spec import Spec
from scriptorium.stages.check_statistics import CheckStatisticsSpec
from scriptorium.stages.tabulate_claims import TabulateClaimsSpec
from scriptorium.tasks.protocols import as_in_papers
from scriptorium.translation.spec import Direction


class ClaimRuns(FinetuningRuns, EvaluationRuns, TranslationRuns, GenerationRuns):
    """What the papers claim, and the runs that tell."""

    def claims(self, programme: str = "") -> dict[str, Claim]:
        """The claims by name; with a programme, those about its variants, and of its paper those never tested. Of a
        programme that is no paper, those whose two variants its studies compare."""
        papers = {name: variant.paper.lower() for name, variant in self.project.variants.items()}
        found = self.project.claims.claims
        if programme and programme not in papers.values():
            own = self._variants_of(programme)
            return {name: claim for name, claim in found.items() if {claim.a, claim.b} <= own}
        return {
            name: claim.model_copy(update={"tasks": self._trained_on(claim)})
            for name, claim in found.items()
            if not programme or papers.get(claim.a, claim.paper.lower()) == programme
        }

    def _trained_on(self, claim: Claim) -> tuple[str, ...]:
        """A claim's tasks under the protocols that studies have them in."""
        studied = {task for study in self.config.studies.values() for task in study.tasks}
        found = []
        for task in claim.tasks:
            both = [name for name in (task, as_in_papers(task)) if claim.of == "finetune" and name in studied]
            found += both or [task]
        return tuple(found)

    def _variants_of(self, programme: str) -> set[str]:
        """The variants of all studies of a programme, whatever their stage."""
        studies = self.config.all_studies.values()
        return {name for study in studies if study.programme == programme for name in study.variants}

    def claimed(self, programme: str = "", stage: str = "finetune") -> list[Run]:
        """Configured runs of a stage that a claim compares: of its two variants, where both are there.

        With a programme, only its own studies and claims count.
        """
        configured = self._claimable(stage, programme)
        there = {(run.variant, run.task) for run in configured}
        wanted = set()
        for claim in self.claims(programme).values():
            for task in claim.tasks if claim.of == stage else ():
                pair = {(claim.a, task), (claim.b, task)}
                wanted |= pair if pair <= there else set()
        return [run for run in configured if (run.variant, run.task) in wanted]

    def _claimable(self, stage: str, programme: str) -> list[Run]:
        """All configured runs of a stage, or those of the studies of a programme, each once."""
        if stage == "finetune":
            return self.finetuned_in(self.programme(programme)) if programme else self.finetuning
        if stage == "translate":
            return self.translations(programme)
        if stage == "generate":
            return self.generations(programme)
        (setting,) = (name for name, evaluation in EVALUATIONS.items() if evaluation.stage == stage)
        return self.evaluated(setting, programme)

    def claimed_manifests(self, of: str, stage: str) -> list[str]:
        """Of the runs that claims compare: those of a programme (`_<name>`), or all ("")."""
        return [run.manifest for run in self.claimed(of.removeprefix("_"), stage)]

    @made_in("results/runs/tables/claims{of}")
    def tabulate_claims(self, of: str) -> Spec:
        programme = of.removeprefix("_")
        metrics = {name: self._metric(name) for name in self.config.tasks}
        rows = of_claims(self.claims(programme), self.project.published, metrics)
        effect = self.project.claims.smallest_effect
        tasks = self._in_tables(sorted({run.task for run in self.claimed(programme)}))
        names = sorted({run.task for run in self.claimed(programme, "translate")})
        translations = {name: Direction(**self.config.translation[name].shared(Direction)) for name in names}
        sets = sorted({run.task for run in self.claimed(programme, "measure_vectors")})
        return TabulateClaimsSpec(
            claims=tuple(rows),
            tasks=tasks,
            translations=translations,
            generation=self._scored(sorted({run.task for run in self.claimed(programme, "generate")})),
            layers={name: self.config.vectors[name].layer for name in sets},
            smallest_effect=effect,
        )

    @made_in("results/runs/tables/statistics_check")
    def check_statistics(self) -> Spec:
        return CheckStatisticsSpec()
