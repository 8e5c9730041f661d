"""The protocol of a fine-tuning study: `ours`, or `paper`, as the papers report their numbers (docs/protocols.md).

Under `ours` nothing is ever chosen on what is reported. Under `paper` all of train is trained on, the public dev set is
what is reported, and the weights of the evaluation where it was best count. The second is a matter of the tasks alone,
so a study of that protocol has tasks of its own, <task>-paper beside <task>: each has its data and its runs, and the
two protocols stand side by side.
"""

from __future__ import annotations

from scriptorium.config.schema import Config
from scriptorium.config.tasks import Task
from scriptorium.errors import UserError
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.protocols import as_in_papers


def under_protocols(config: Config, where: str) -> Config:
    """The configuration, in which studies of protocol `paper` name tasks of that protocol, which are added.

    Raises UserError: a task without a public dev set, a name that is taken.
    """
    tasks, studies = dict(config.tasks), {}
    for name, study in config.studies.items():
        if study.protocol == "paper":
            for task in study.tasks:
                if task in config.tasks:  # else it is told as an unknown one
                    tasks[as_in_papers(task)] = _in_papers(task, config, f"{where}: studies.{name}")
            study = study.model_copy(update={"tasks": tuple(map(as_in_papers, study.tasks))})
        studies[name] = study
    return config.model_copy(update={"tasks": tasks, "studies": studies})


def _in_papers(name: str, config: Config, where: str) -> Task:
    task, derived = config.tasks[name], as_in_papers(name)
    if derived in config.tasks:
        raise UserError(
            f"task {derived!r} has the name that task {name!r} gets under protocol paper",
            where=where,
            remedy="rename it",
        )
    if task.options.dev == "none":
        raise UserError(
            f"task {name!r} cannot be had under protocol paper: reader {task.reader!r} gives no public dev set",
            where=where,
            remedy="take it out of the study, or set protocol: ours",
        )
    shown = (task.metric or kind_of(task.kind).default_metric).removeprefix("test/")
    return task.model_copy(update={"validation_share": 0.0, "best_by": task.best_by or shown})
