"""VECO 2.0, a reconstruction (ours): VECO's encoder without cross-attention, trained by MMLM, TLM and two contrasts.

No code, equation or table of the paper could be found (docs/papers/veco.md section 5).

texts.py: the texts of a batch, and their vectors · info_nce.py: the loss of both contrasts · sequence_contrast.py:
between sentences · token_contrast.py: between words · momentum.py: a slow encoder and a queue of its vectors ·
gathering.py: vectors of all processes · terms.py: the model, the four terms of its loss · building.py: a new model
"""
