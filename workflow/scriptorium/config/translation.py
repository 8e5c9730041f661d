"""Checks of translations and their studies: what can be known of them while the DAG is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.errors import UserError

if TYPE_CHECKING:
    from scriptorium.config.project import Project
    from scriptorium.config.references import ReferenceChecks


def check(checks: ReferenceChecks) -> None:
    """Raises UserError naming the key: unknown names, languages that a corpus of pairs does not have, more layers than
    the backbone has, a backbone that has read the test set."""
    project, where = checks.project, checks.where
    for name in project.config.translation:
        _check_pairs(checks, name)
    for name, study in project.config.translation_studies.items():
        place = f"translation_studies.{name}"
        for translation in study.translations:
            checks.known(translation, project.config.translation, "translation", f"{place}.translations")
        for variant in study.variants:
            project.variant(variant, "translate", f"{where}: {place}.variants")
            _check_body(checks, variant)
            if (first := step_one(project, variant)) and first not in study.variants:
                raise UserError(
                    f"{place}: {variant} goes on from {first}, which is not among its variants",
                    where=where,
                    remedy=f"add {first}: what step one comes to is a row of the table too",
                )
            _check_backbone(checks, variant, study.translations)


def step_one(project: Project, variant: str) -> str | None:
    """The translation variant that this one goes on from, as step two of BART's; None: it is no step two."""
    backbone = project.variants[variant].recipe.backbone
    found = project.variants.get(backbone)
    return backbone if found and found.recipe.stage == "translate" and backbone not in project.backbones else None


def body_of(project: Project, variant: str) -> str:
    """Which module of translation/bodies makes the model of a variant of stage translate."""
    return "bart" if project.variants[variant].recipe.source_encoder or step_one(project, variant) else "veco"


def _check_body(checks: ReferenceChecks, variant: str) -> None:
    """The backbone, and the settings that belong to it."""
    project, place = checks.project, "config/ablations.tsv"
    recipe = project.variants[variant].recipe
    if recipe.source_encoder:
        vocabulary, known = recipe.source_encoder.vocabulary, checks.config.vocabularies
        checks.known(vocabulary, known, "vocabulary", f"variant {variant}, source_encoder.vocabulary")
    if first := step_one(project, variant):
        begun = project.variants[first].recipe
        if begun.source_encoder is None or not begun.save_model:
            raise UserError(
                f"variant {variant}: its backbone {first} is a translation variant that "
                f"{'has no source_encoder' if begun.source_encoder is None else 'keeps no model'}",
                where=place,
                remedy=f"give {first} a source_encoder, and save_model: true",
            )
        for key in ("source_encoder", "encoder_layers", "decoder_layers"):
            if getattr(recipe, key) is not None:
                raise UserError(
                    f"variant {variant}: {key}, but its backbone {first} has its layers already",
                    where=place,
                    remedy=f"set {key}: null",
                )
        if recipe.reinitialise:
            raise UserError(
                f"variant {variant}: reinitialise throws away what {first} has learned",
                where=place,
                remedy="name a BART as backbone, and a source_encoder",
            )
        return
    checks.known(recipe.backbone, project.backbones, "backbone", f"variant {variant}, backbone")
    if recipe.source_encoder is None and recipe.decoder_layers is None:
        raise UserError(
            f"variant {variant}: neither decoder_layers nor source_encoder is given",
            where=place,
            remedy="give decoder_layers if its backbone is an encoder, source_encoder if it is a BART",
        )
    trained = project.backbones[recipe.backbone].pretrained
    objective = project.variants[trained].recipe.objective.name if trained in project.variants else None
    if recipe.source_encoder and objective not in (None, "bart"):
        raise UserError(
            f"variant {variant}: source_encoder stands before a BART, and its backbone {recipe.backbone} is trained by "
            f"{objective}",
            where=place,
            remedy="name a variant of objective bart, or leave source_encoder out",
        )


def _check_pairs(checks: ReferenceChecks, name: str) -> None:
    """The corpora of a translation, and their languages."""
    config, where = checks.config, checks.where
    entry, known = config.translation[name], config.parallel
    for key, corpus in (("parallel", entry.parallel), ("test", entry.test)):
        if corpus is None:
            continue
        checks.known(corpus, known, "corpus of pairs", f"translation.{name}.{key}")
        there = sorted({source.sides for source in known[corpus].sources})
        if "-".join(sorted((entry.source, entry.target))) not in there:
            raise UserError(
                f"translation.{name}: corpus of pairs {corpus!r} has no pairs of {entry.source} and {entry.target}; "
                f"it has {', '.join(there)}",
                where=where,
                remedy=f"correct source and target, or add a source in these languages to parallel.{corpus}",
            )


def _check_backbone(checks: ReferenceChecks, variant: str, translations: tuple[str, ...]) -> None:
    """Layers, lengths and what it was trained on; only what a pre-training variant's recipe tells is known here."""
    project, where = checks.project, checks.where
    recipe = project.variants[step_one(project, variant) or variant].recipe
    trained = project.backbones[recipe.backbone].pretrained
    if trained is None or trained not in project.variants:
        return
    own = project.variants[trained].recipe
    for name in translations:
        test = project.config.translation[name].test
        if test is not None and own.parallel == test:
            raise UserError(
                f"variant {variant}: its backbone {trained} is pre-trained on {test!r}, the test set of {name}",
                where=where,
                remedy="pre-train on another corpus of pairs, or leave translation.test empty: what is held out of a "
                "corpus of pairs is held out of pre-training too",
            )
        pairs = project.config.translation[name].parallel
        if test is None and own.parallel not in (None, pairs):
            raise UserError(
                f"variant {variant}: {name} is tested on held-out pairs of {pairs!r}, and its backbone "
                f"{trained} is pre-trained on {own.parallel!r}, which may have them",
                where=where,
                remedy=f"translate pairs of {own.parallel!r}, or name a test set in translation.{name}.test",
            )
        longest = project.config.translation[name].max_length
        if own.model is not None and longest > own.model.max_positions:
            raise UserError(
                f"translation.{name}.max_length {longest} is more than the {own.model.max_positions} of {trained}, "
                f"the backbone of {variant}",
                where=where,
                remedy="lower it",
            )
    if own.model is None:
        return
    for key in ("encoder_layers", "decoder_layers"):
        if (getattr(recipe, key) or 0) > own.model.layers:
            raise UserError(
                f"variant {variant}: {key} {getattr(recipe, key)}, but its backbone {trained} has {own.model.layers} "
                "layers",
                where=where,
                remedy=f"choose 1 to {own.model.layers} in its recipe",
            )
