"""What jobs ask of a machine: for all jobs of a rule, and for those of a variant; named keys alone are replaced."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from scriptorium.spec import Spec

# A text may reach the command line of a job (`options`) or of sbatch, so it has nothing that a shell would read.
Text = Annotated[str, StringConstraints(pattern=r"^[\w@%+=:,./ -]*$")]
Wanted = dict[str, int | Text]


class Resources(Spec):
    """Replaces single keys of what rules and profiles say; `--set-resources` would replace all of a profile's."""

    rules: dict[str, Wanted] = Field(
        default_factory=dict,
        description="rule -> gpu, processes, micro_batch, precision, mem_mb, runtime (minutes), threads, slurm_partition "
        "or any other resource",
    )
    variants: dict[str, Wanted] = Field(
        default_factory=dict, description="variant -> the same for its jobs alone; goes before what its rule has"
    )
