"""Our models. Importing this package makes them known to transformers' AutoConfig and AutoModel."""

import importlib

# By name, not by an import statement: a stage's code digest follows import statements, and a change in one model must
# not rerun the stages of another.
for _name in ("cognition", "gaze", "gaze_predictor", "gaze_released"):
    importlib.import_module(f"scriptorium.models.{_name}")
