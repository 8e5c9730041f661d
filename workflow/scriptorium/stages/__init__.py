"""One module per DAG stage: `python -m scriptorium.stages.<name> --spec JSON --out DIR [--input name=path ...]`.

The modules import nothing heavy at the top (no torch, transformers, spaCy, mlflow): the Snakefile reads their
`Spec` classes while the DAG is built.
"""
