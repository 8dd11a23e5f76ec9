"""The data contracts: one ODCS YAML file per contract, one file per code list under ``lists``."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
"""Folder of the contract files."""
