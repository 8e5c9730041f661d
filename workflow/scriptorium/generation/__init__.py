"""Texts that a model writes for a text: summaries, headlines, answers, translations. Training, writing, scores."""
