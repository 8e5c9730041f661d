"""Kinds of models that write: encoder-decoders and causal language models, one file each."""
