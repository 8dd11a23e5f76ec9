"""Pages about a model written to files: the validation report and the model card."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from eco_credit.core.numbers import Columns
from eco_credit.registry import Package, Store, open_model
from eco_credit.reports.model_card import model_card
from eco_credit.reports.validation_report import validation_report
from eco_credit.reports.validation_report_model import ModelFacts
from training.assess import pointer_to
from training.validation import validation


def write_report(
    out: Path, store: Store, model: str, *, data: Path | Columns, plan: Path | None, lang: str
) -> dict[str, Any]:
    """Evaluate a model on a tape and print the validation report.

    Args:
        out: file to write, whole or not at all.
        store: the store.
        model: ``name@alias``, ``name/version`` or a package folder.
        data: tape by the contract the model was trained for: a file, or columns.
        plan: a plan whose bars are to be met; None sets no bars.
        lang: ``zh`` or ``en``.

    Returns:
        What `training.assess.assess` answers, and ``report``, the file.

    Raises:
        ModelNotServable: the package is not in order.
        ContractError: the tape breaks its contract; nothing is written.
    """
    done = validation(store, model, data, plan)
    write_page(out, validation_report(done.evaluation, _facts(store, done.package), lang=lang))
    return done.answer | {"report": str(out)}


def write_card(out: Path, store: Store, model: str, *, lang: str) -> dict[str, Any]:
    """Print the model card of a package; arguments and errors as in `write_report`."""
    package = open_model(store, model)
    write_page(out, model_card(_facts(store, package), lang=lang))
    return {"model": package.name, "version": package.version, "digest": package.digest, "card": str(out)}


def _facts(store: Store, package: Package) -> ModelFacts:
    """What a page says of a package, with the approver of the signed pointer where it was promoted."""
    facts, pointer = ModelFacts.of(package), pointer_to(store, package)
    return facts if pointer is None else replace(facts, approver=pointer.approver)


def write_page(path: Path, text: str) -> None:
    """Write a page whole or not at all: a file beside it, then a rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".page-") as folder:
        part = Path(folder) / path.name
        part.write_text(text, encoding="utf-8")
        part.replace(path)
