"""Readers of sources and the texts to be written for them, one file per format."""
