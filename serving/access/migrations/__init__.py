"""Migrations of the key book."""
