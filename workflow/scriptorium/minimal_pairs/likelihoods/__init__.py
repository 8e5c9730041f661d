"""How sentences are scored: a module per way. Each has MODEL, the class of transformers that reads what was saved;
`scores(model, tokenizer, sentences, tokens)`, float64 [sentences] in nats; and KIND, which says what such a score is:

    exact        the log probability of the text: the logs of every token's probability, given those before it, add up
                 to it, and this is what the model was trained to predict
    conditional  the same, given a source that says nothing of the text. It is a probability as well (over all texts it
                 adds up to 1), but training showed the model such a source rarely or never
    pseudo       the logs of every token's probability, given all others, added up. It is no probability of the text:
                 tokens that give one another away are counted as known on both sides

Numbers of different kinds do not compare.
"""
