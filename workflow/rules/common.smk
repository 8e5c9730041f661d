"""Reads and checks the configuration; everything the other rule files ask for by name is defined here."""

from os.path import relpath

from snakemake.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import ExecMode

from scriptorium.config.loading import load
from scriptorium.config.yaml_files import check_keys
from scriptorium.digest import code_digest
from scriptorium.environment import activate
from scriptorium.locking import know_owners
from scriptorium.runs import Runs, planned
from scriptorium.runs.outdated import remind
from scriptorium.runs.reported import shown
from scriptorium.spec import canonical_json

know_owners()

# where a mistake may be: what is given by --configfile is merged into the first, key by key
CONFIG_FILES = ["config/config.yaml", *map(relpath, workflow.overwrite_configfiles)]

try:
    for file in CONFIG_FILES:
        check_keys(Path(file))
    PROJECT = load(config, ROOT, where=" + ".join(CONFIG_FILES))
    RUNS = Runs(PROJECT)
    RUNS.check_directories()
except UserError as error:
    raise WorkflowError(f"The configuration has a problem.\n{error}") from None

CONFIG = PROJECT.config
# A whole configuration as one text: what the mirror, the audit and the report depend on.
WHOLE_CONFIG = canonical_json(config)
activate(
    ROOT / "workflow",
    WHOLE_CONFIG,
    CONFIG.tracking.uri,
    submitted=workflow.exec_mode == ExecMode.REMOTE,
)

# A benchmark has all cores of a local run. `workflow.cores` ends every call in which an executor submits the jobs, since
# nobody knows the cores of a node: eight then, or what `--set-threads` says. Inside a submitted job the same must hold.
LOCAL = workflow.exec_mode == ExecMode.DEFAULT and workflow.resource_settings.cores
BENCH_THREADS = workflow.resource_settings.cores if LOCAL else 8


# Snakemake compares runs with records of its own; where these are gone, the ledgers tell what is out of date.
if workflow.is_main_process:
    remind(RUNS)


def plan_of(stage, wildcards):
    """What the run with these wildcards computes: the same in the call that submits a job and in the job."""
    named = dict(wildcards.items())
    plan = RUNS.plan(stage, **named)
    if workflow.exec_mode != ExecMode.DEFAULT:
        planned.check(stage, named, plan)
    elif workflow.non_local_exec:
        planned.note(stage, named, plan)
    return plan


def spec_of(stage):
    """The parameter `spec` of a stage's rule."""
    return lambda wildcards: plan_of(stage, wildcards).spec


def code_of(stage):
    """The parameter `code` of a stage's rule: the digest of the code that computes it."""
    return lambda wildcards: plan_of(stage, wildcards).code


wildcard_constraints:
    variant="[^/]+",
    task="[^/]+",
    corpus="[^/]+",
    parallel="[^/]+",
    vocabulary="[^/]+",
    pairs="[^/]+",
    links="[^/]+",
    collection="[^/]+",
    alignments="[^/]+",
    translation="[^/]+",
    generation="[^/]+",
    dataset="[^/]+",
    study="[^/]+",
    seed=r"\d+",
    programme="|".join(RUNS.programmes()) or "-",
