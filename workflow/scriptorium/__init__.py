"""Scriptorium: papers on cognition-guided, cross-lingual and permuted pre-training, copied faithfully."""

__version__ = "0.1.0"
