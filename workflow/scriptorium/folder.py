"""The folder that a run works in: one for everything, and one that the tools below can open."""

from __future__ import annotations

from pathlib import Path

from scriptorium.errors import UserError


def check_folder(project: Path, working: Path) -> None:
    """Raises UserError unless the project's folder is the working directory, and its name harmless.

    Rules and jobs read config/ and write results/ by relative paths. Snakemake would build the plan from the project
    and let the jobs read another folder.
    """
    if working.resolve() != project.resolve():
        raise UserError(
            f"Scriptorium works in its own folder and not in {working}: type `cd {project.resolve()}` and leave out"
            " --directory (docs/running.md says how results get to another disk)"
        )
    if "?" in str(working.resolve()):
        raise UserError(
            f"the folder {working.resolve()} has a question mark in its name, behind which MLflow's database would look"
            " for options: rename it"
        )
