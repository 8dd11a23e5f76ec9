"""What stands behind a number: contract, rules, models, code and input, by digest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any


@cache
def code_version() -> str:
    """Version of the installed ``eco-credit`` distribution."""
    try:
        return metadata.version("eco-credit")
    except metadata.PackageNotFoundError:
        return "0+unknown"


@dataclass(frozen=True, slots=True)
class ModelRef:
    """One model package by name, version and digest of its manifest."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything needed to find out how a result came about.

    Attributes:
        contract: name, version and digest of the input contract, ``name@version#digest``.
        rules_day: the day the rules were read for, ISO.
        rules_hash: digest of all values in force on that day, overlay included.
        overlay_hash: digest of the lender's overlay, or None without one.
        book_hash: digest of the lender's book, or None without one.
        models: the model packages used.
        code_version: version of this software.
        input_hash: digest of the canonical input.
        synthetic_model: True when a model was trained on synthetic data.
    """

    contract: str
    rules_day: str
    rules_hash: str
    overlay_hash: str | None
    models: tuple[ModelRef, ...]
    code_version: str
    input_hash: str
    synthetic_model: bool
    book_hash: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for an answer or a record."""
        models = [{"name": m.name, "version": m.version, "digest": m.digest} for m in self.models]
        return {
            "contract": self.contract,
            "rules_day": self.rules_day,
            "rules_hash": self.rules_hash,
            "overlay_hash": self.overlay_hash,
            "book_hash": self.book_hash,
            "models": models,
            "code_version": self.code_version,
            "input_hash": self.input_hash,
            "synthetic_model": self.synthetic_model,
        }
