"""Labelled tasks."""

from __future__ import annotations

from collections.abc import Iterable

from scriptorium.reporting.spec import TaskInTables
from scriptorium.runs.configured import ConfiguredRuns
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.spec import KindOfTask, TaskDataSpec


class TaskRuns(ConfiguredRuns):
    """Labelled tasks."""

    @made_in("results/data/{task}")
    def prepare_task(self, task: str) -> Spec:
        entry = self._known(task, self.config.tasks, "task")
        return TaskDataSpec(task=task, **entry.shared(TaskDataSpec))

    def task_source(self, task: str) -> str:
        return f"resources/{self._known(task, self.config.tasks, 'task').dataset}/manifest.json"

    def task_translations(self, task: str) -> list[str]:
        """Manifest of the data set of files of translations, if the task names one."""
        given = self._known(task, self.config.tasks, "task").translations
        return [f"resources/{given.dataset}/manifest.json"] if given and given.dataset else []

    def _metric(self, task: str) -> str:
        """The metric that tables show of a task: its own, else that of its kind."""
        entry = self.config.tasks[task]
        return entry.metric or f"test/{kind_of(entry.kind).default_metric}"

    def _in_tables(self, tasks: Iterable[str]) -> dict[str, TaskInTables]:
        entries = {task: self.config.tasks[task] for task in tasks}
        return {
            name: TaskInTables(**task.shared(KindOfTask), metric=self._metric(name)) for name, task in entries.items()
        }
