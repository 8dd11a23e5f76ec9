"""Statistics of models with their uncertainty; every one takes sample weights."""
