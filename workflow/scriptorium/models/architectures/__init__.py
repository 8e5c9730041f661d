"""Architectures of ours that transformers reads once their module is imported: a run's specification names it."""
