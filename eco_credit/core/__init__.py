"""Nouns without business: errors, units, numbers in columns, days, digests, provenance."""
