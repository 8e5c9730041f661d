"""Stage 2 of CogBERT: cognition fused into the self-attention of any encoder of BERT's shape.

spec.py: the modes `paper`, `released` and `fixed` as sets of flags · words.py: the scored words of a task as piece
features · maps.py: word scores and spans become feature maps · fusion.py: how a map enters attention · model.py: the
classifiers of transformers with that attention inside · weights.py: what the features weigh · attention.py: attention
beside human fixations
"""
