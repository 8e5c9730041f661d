"""What a run reads: the manifests and files that are a stage's inputs."""

from __future__ import annotations

from pathlib import Path

from scriptorium.errors import UserError
from scriptorium.runs.names import Names


class Inputs(Names):
    """Paths, as the rules need them."""

    def backbone(self, name: str) -> str:
        """Manifest of a backbone's directory."""
        entry = self._known(name, self.config.backbones, "backbone")
        if entry.dataset:
            return f"resources/{entry.dataset}/manifest.json"
        if entry.finetuned:
            return f"results/finetune/{entry.finetuned}/{entry.task}/seed{entry.seed}/manifest.json"
        return f"results/pretrain/{entry.pretrained}/seed{entry.seed}/manifest.json"

    def finetune_backbone(self, variant: str) -> str:
        return self.backbone(self.project.variant(variant, "finetune", "results path").recipe.backbone)

    def finetune_annotations(self, variant: str, task: str) -> list[str]:
        """Manifest of the task's scored words, for variants with cognition or a gaze loss."""
        recipe = self.project.variant(variant, "finetune", "results path").recipe
        needed = recipe.cognition or recipe.gaze_loss
        return [f"results/annotations/{task}/manifest.json"] if needed else []

    def gaze_words(self, variant: str) -> list[str]:
        corpora = self.project.variant(variant, "regressor", "results path").recipe.corpora
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in corpora]

    def gaze_excluded(self, variant: str) -> list[str]:
        """Gaze corpora whose texts a regressor must not be trained on."""
        corpora = self.project.variant(variant, "regressor", "results path").recipe.exclude
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in corpora]

    def gaze_corpora(self) -> list[str]:
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in self.config.gaze.corpora]

    def gaze_features(self, variant: str) -> list[str]:
        corpora = self.project.variant(variant, "regressor", "results path").recipe.corpora
        return [f"results/annotations/features/{corpus}/manifest.json" for corpus in corpora]

    def predictor_words(self) -> list[str]:
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in self._block("predictor").corpora]

    def predictor_backbone(self) -> str:
        return self.backbone(self._block("predictor").backbone)

    predictor_manifest = "results/gaze/predictor/manifest.json"

    def has_cmcl2021(self) -> bool:
        """Is the table of the shared task asked for, and are its data there? They are the user's own to bring."""
        block = self.config.gaze.cmcl2021
        if block is None:
            return False
        entry = self.project.datasets[block.dataset]
        return entry.source != "file" or Path(entry.location).expanduser().exists()

    def cmcl2021_source(self) -> str:
        return f"resources/{self._block('cmcl2021').dataset}/manifest.json"

    def cmcl2021_backbone(self) -> str:
        return self.backbone(self._block("cmcl2021").backbone)

    def regressor_embeddings(self, variant: str) -> str:
        return self.backbone(self.project.variant(variant, "regressor", "results path").recipe.embeddings)

    def corpus_sources(self, corpus: str) -> list[str]:
        entry = self._known(corpus, self.config.corpora, "corpus")
        return [f"resources/{name}/manifest.json" for name in dict.fromkeys(s.dataset for s in entry.sources)]

    def annotated_data(self, dataset: str) -> str:
        """Manifest of what is annotated under this name: a gaze corpus or a task."""
        if dataset in self.config.gaze.corpora:
            return f"results/gaze/corpora/{dataset}/manifest.json"
        self._known(dataset, self.config.tasks | self.config.gaze.corpora, "task or gaze corpus")
        return f"results/data/{dataset}/manifest.json"

    def scoring_regressor(self) -> str:
        return f"results/gaze/regressor/{self.config.gaze.scores_from}/seed{self.config.seeds[0]}/manifest.json"

    def pack_corpus(self, variant: str) -> str:
        return f"results/data/corpora/{self._pretrain_recipe(variant).corpus}/manifest.json"

    def pack_tokenizer(self, variant: str) -> str:
        return self.backbone(self._pretrain_recipe(variant).tokenizer)

    def own_file(self, dataset: str) -> list[str]:
        """A catalogue entry's file of the user's own, or all files of their folder; nothing for what is downloaded."""
        entry = self._known(dataset, self.project.datasets, "data set")
        if entry.source != "file":
            return []
        path = Path(entry.location).expanduser()
        if not path.exists():
            raise UserError(f"data set {dataset!r} is yours to bring, and there is no such file or folder", where=path,
                            remedy="put your copy there, or name its place in config/datasets.tsv")  # fmt: skip
        # a folder's own modification time says nothing about an edited file in it
        return sorted(str(file) for file in path.rglob("*") if file.is_file()) if path.is_dir() else [str(path)]

    def task_source(self, task: str) -> str:
        return f"resources/{self._known(task, self.config.tasks, 'task').dataset}/manifest.json"

    def gaze_source(self, corpus: str) -> str:
        return f"resources/{self._known(corpus, self.config.gaze.corpora, 'gaze corpus').dataset}/manifest.json"

    def attention_words(self) -> list[str]:
        attention = self.config.attention
        return [f"results/gaze/corpora/{attention.corpus}/manifest.json"] if attention else []

    def attention_annotations(self) -> list[str]:
        attention = self.config.attention
        return [f"results/annotations/{attention.corpus}/manifest.json"] if attention else []
