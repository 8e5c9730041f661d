"""Heads on the features of a text beside its translation, by encoder: `sequence` and `token` of a module."""
