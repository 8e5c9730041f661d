"""How models of each kind of body that writes text are fine-tuned: `BODY` of a module (tasks/body.py)."""
