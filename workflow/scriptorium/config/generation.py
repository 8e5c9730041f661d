"""Generation tasks, and what of them and their studies must hold while the DAG is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from scriptorium.errors import UserError
from scriptorium.generation.spec import GenerationData, Lengths, Scored

if TYPE_CHECKING:
    from scriptorium.config.pretraining import PretrainRecipe
    from scriptorium.config.project import Project
    from scriptorium.config.references import ReferenceChecks


class Generation(GenerationData, Lengths, Scored):
    """A generation task: sources, and the texts that are to be written for them (docs/generation.md)."""

    dataset: str | None = Field(None, description="name in config/datasets.tsv, for a reader of files")
    parallel: str | None = Field(None, description="corpus of pairs of this file, for reader pairs")
    splits: str | None = Field(
        None,
        description="labelled task of this file whose split of the same texts is taken over, such as one that a corpus "
        "excludes; what it does not have is train; empty: the source's own split, or ours",
    )

    def model_post_init(self, _: Any) -> None:
        wanted, other = ("parallel", "dataset") if self.options.of_parallel else ("dataset", "parallel")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"reader {self.reader!r} needs `{wanted}`, and no `{other}`")
        if self.splits and self.parallel:
            raise ValueError("splits: a corpus of pairs has splits of its own")


def check(checks: ReferenceChecks) -> None:
    """Raises UserError naming the key: unknown names, languages that a corpus of pairs does not have, a backbone that
    writes no text, has too few positions, or has read what it is tested on."""
    project, where = checks.project, checks.where
    for name in project.config.generation:
        _check_data(checks, name)
    for name, study in project.config.generation_studies.items():
        place = f"generation_studies.{name}"
        for task in study.generation:
            checks.known(task, project.config.generation, "generation task", f"{place}.generation")
        for variant in study.variants:
            recipe = project.variant(variant, "generate", f"{where}: {place}.variants").recipe
            checks.known(recipe.backbone, project.backbones, "backbone", f"variant {variant}, backbone")
            body_of(project, variant)
            trained = pretrain_recipe(project, recipe.backbone)
            for task in study.generation if trained else ():
                _check_lengths(checks, variant, task, trained)
                _check_unseen(checks, variant, task, trained)


def pretrain_recipe(project: Project, backbone: str) -> PretrainRecipe | None:
    """The recipe that a backbone was pre-trained by; None: of a data set, or fine-tuned."""
    trained = project.backbones[backbone].pretrained
    return project.variants[trained].recipe if trained in project.variants else None


def body_of(project: Project, variant: str) -> str:
    """The body of a variant of stage generate: what its recipe says, else what its backbone's objective does.

    Raises UserError where neither says it.
    """
    recipe = project.variants[variant].recipe
    trained = pretrain_recipe(project, recipe.backbone)
    if body := recipe.body or (trained.objective.writes if trained else ""):
        return body
    said = f"trained by {trained.objective.name}" if trained else "not pre-trained here"
    raise UserError(
        f"variant {variant}: its backbone {recipe.backbone} is {said}, which does not say how it writes",
        where="config/ablations.tsv",
        remedy="name a backbone of an encoder-decoder or of a causal language model; of a data set, say "
        "`body: seq2seq` or `body: causal` in the recipe",
    )


def _check_data(checks: ReferenceChecks, name: str) -> None:
    """Where a task comes from."""
    config, where, entry = checks.config, checks.where, checks.config.generation[name]
    if name in config.tasks:
        raise UserError(
            f"{name!r} names both a task and a generation task, but a corpus may exclude either",
            where=where,
            remedy="rename one of the two",
        )
    if entry.splits:
        checks.known(entry.splits, config.tasks, "task", f"generation.{name}.splits")
    if entry.dataset:
        checks.dataset(entry.dataset, f"generation.{name}.dataset")
        return
    checks.known(entry.parallel, config.parallel, "corpus of pairs", f"generation.{name}.parallel")
    there = sorted({source.sides for source in config.parallel[entry.parallel].sources})
    wanted = (entry.options.source, entry.options.target)
    if "-".join(sorted(wanted)) not in there:
        raise UserError(
            f"generation.{name}: corpus of pairs {entry.parallel!r} has no pairs of {' and '.join(wanted)}; it has "
            f"{', '.join(there)}",
            where=where,
            remedy=f"correct source and target, or add a source in these languages to parallel.{entry.parallel}",
        )


def _check_lengths(checks: ReferenceChecks, variant: str, task: str, trained: PretrainRecipe) -> None:
    """Positions, where the backbone has a table of them."""
    if trained.model is None or trained.objective.relative:
        return
    entry, most = checks.config.generation[task], trained.model.max_positions
    needed = {"source_length": entry.source_length, "target_length": entry.target_length}
    if body_of(checks.project, variant) == "causal":
        needed = {"source_length and target_length": entry.source_length + entry.target_length}
    for name, length in needed.items():
        if length > most:
            raise UserError(
                f"variant {variant}: {name} of generation.{task} needs {length} positions, its backbone has {most}",
                where=checks.where,
                remedy=f"lower {name} of generation.{task}",
            )


def _check_unseen(checks: ReferenceChecks, variant: str, task: str, trained: PretrainRecipe) -> None:
    """What is held out of a task must be held out of pre-training, where both read the same."""
    config, entry = checks.config, checks.config.generation[task]
    if entry.parallel and trained.parallel not in (None, entry.parallel):
        raise UserError(
            f"variant {variant}: {task} is tested on held-out pairs of {entry.parallel!r}, and its backbone is "
            f"pre-trained on {trained.parallel!r}, which may have them",
            where=checks.where,
            remedy=f"take pairs of {trained.parallel!r}",
        )
    corpus = config.corpora.get(trained.corpus)
    shared = corpus and entry.dataset in [source.dataset for source in corpus.sources]
    if shared and not {task, entry.splits} & set(corpus.exclude):
        raise UserError(
            f"variant {variant}: its backbone is pre-trained on {trained.corpus!r}, which has the texts that {task} is "
            "tested on",
            where=checks.where,
            remedy=f"set exclude: [{task}] in corpora.{trained.corpus}, or splits: <a task that it excludes> in "
            f"generation.{task}",
        )
