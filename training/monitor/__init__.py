"""Watching a model in use: drift, performance without labels, matured outcomes, triggers of a retraining."""
