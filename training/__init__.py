"""Training: simulate, fit, calibrate, evaluate, package, promote. Meets serving only in the registry, as data."""
