"""Data sets of the catalogue: what is downloaded, and what the user brings along."""

from __future__ import annotations

from pathlib import Path

from scriptorium import own_data
from scriptorium.runs.configured import ConfiguredRuns
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec


class CatalogueRuns(ConfiguredRuns):
    """Data sets of the catalogue: what is downloaded, and what the user brings along."""

    @made_in("resources/{dataset}")
    def fetch(self, dataset: str) -> Spec:
        return self._known(dataset, self.project.datasets, "data set")

    def own_place(self, dataset: str) -> list[str]:
        """A catalogue entry's file or folder of the user's own; nothing for what is downloaded."""
        entry = self._known(dataset, self.project.datasets, "data set")
        if entry.source != "file":
            return []
        return [str(own_data.find(self.project.catalogue[dataset], self.config.data_root))]

    def own_files(self, dataset: str) -> list[str]:
        """That file, or all files of that folder, whose own modification time says nothing about an edited file."""
        files = []
        for path in map(Path, self.own_place(dataset)):
            files += sorted(str(file) for file in path.rglob("*") if file.is_file()) if path.is_dir() else [str(path)]
        return files
