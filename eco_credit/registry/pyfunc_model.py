"""Model code that MLflow runs (models from code): nothing pickled, the package is loaded by our own loader."""

from eco_credit.registry.mlflow import declare_model

declare_model()
