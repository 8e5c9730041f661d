"""What the training loop (training.py) is made of, one idea per file: plan, budget, flops, processes, batches, trainer,
optimizers, checkpoints, divergence, watcher, memory.
"""
