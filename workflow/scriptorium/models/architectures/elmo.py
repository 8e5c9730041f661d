"""ELMo: the language model, its states, and the heads of tasks."""

from scriptorium.models.elmo import language_model, tasks

__all__ = ["language_model", "tasks"]
