"""The scorer of batch files: the one pipeline, with the champion of a store or a package folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eco_credit.core.numbers import Columns
from eco_credit.registry.store import CHAMPION
from eco_credit.scoring.doors import DEFAULT_MODEL
from eco_credit.valuation import EMPTY, LenderBook

if TYPE_CHECKING:
    from eco_credit.registry import Package


@dataclass
class ServedScorer:
    """Scores with the champion that a store serves.

    Only the paths and the lender's book travel to a worker; each worker verifies and loads the package itself and
    refuses to work with another one than the run began with.

    Attributes:
        home: store folder; None is the default store.
        overlay: the lender's own rule values.
        reasons: number of reason columns.
        model: registered model name.
        book: what the lender holds already; it travels with the scorer.
        alias: which of the promoted packages of that name.
    """

    home: Path | None = None
    overlay: Path | None = None
    reasons: int = 3
    model: str = DEFAULT_MODEL
    digest: str | None = None
    book: LenderBook = EMPTY
    alias: str = CHAMPION
    _package: Package | None = field(default=None, repr=False, compare=False)

    @property
    def identity(self) -> Mapping[str, Any]:
        """Model, rules, book and contract by digest, and whether the model is synthetic."""
        from eco_credit.contracts import contract

        package = self.package()
        self.digest = package.digest
        return {
            "model": {"name": package.name, "version": package.version, "digest": package.digest},
            "synthetic_model": package.synthetic,
            "rules": book_digest(self.overlay),
            "book": self.book.digest,
            "reasons": self.reasons,
            "contract": contract("application").reference,
        }

    def package(self) -> Package:
        """The verified package, loaded once per process.

        Raises:
            ModelNotServable: none is served, it does not verify, or it changed during the run.
        """
        from eco_credit.core.errors import ModelNotServable
        from eco_credit.registry import Store, served

        if self._package is None:
            found = served(Store(self.home) if self.home is not None else Store.default(), self.model, self.alias)
            if self.digest is not None and found.digest != self.digest:
                raise ModelNotServable(
                    "the champion changed during the run: start again", "运行期间在用模型已变更，请重新运行"
                )
            self._package = found
        return self._package

    def __call__(self, columns: Columns) -> Columns:
        """Result columns of the contract ``batch_output``, one row per input row."""
        from eco_credit.scoring.doors import score_columns

        return score_columns(
            columns, self.package(), overlay=self.overlay, reasons=self.reasons, book=self.book
        )

    def __getstate__(self) -> dict[str, Any]:
        """Whole paths and the book only: the package is loaded again where the work is done, from another folder."""
        paths = {name: path and path.resolve() for name, path in (("home", self.home), ("overlay", self.overlay))}
        return {**self.__dict__, **paths, "_package": None}


def book_digest(overlay: Path | None) -> str:
    """Digest of all rules of all days, overlay included."""
    from eco_credit.core.canonical import digest
    from eco_credit.rulebook import load

    book = load(overlay)
    return digest(
        {
            name: [[str(v.in_force), str(v.published), v.value] for v in entry.history] + [list(entry.range or ())]
            for name, entry in book.entries.items()
        }
    )
