"""A picture of an objective, from the batch of a sentence: what is hidden, what sees what, what is predicted.

`python -m scriptorium.show <objective> "a sentence"`. The text is packed, hidden and collated as for training, and who
sees what is asked of the model (seeing.py): nothing here knows how an objective does it.
"""
