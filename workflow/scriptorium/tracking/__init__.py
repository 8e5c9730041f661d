"""The MLflow mirror: what `python -m scriptorium.track` does. Ledgers are the truth (`scriptorium.ledger`)."""
