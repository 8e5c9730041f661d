"""ELMo: two LSTM language models, one from left to right and one from right to left, that share embeddings and softmax.

Support: AllenNLP's documentation (docs/papers/objectives.md section 13): directions that do not see each other, two
layers, cells wider than what they hand on (4096 and 512). Ours: tokens are pieces of a vocabulary, embedded as in the
other models, and not read by a convolution over characters; the softmax is tied to the embeddings; no residual
connection; half of `hidden_size` for each direction.
"""
