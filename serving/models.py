"""The champion being served: one approved (package, rulebook, contract) triple, swapped whole."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eco_credit.core.errors import ModelNotServable
from serving.settings import Settings

if TYPE_CHECKING:
    from eco_credit.registry import Package
    from eco_credit.rulebook import Book

log = logging.getLogger("eco_credit.serving")
_RECONCILE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Triple:
    """What one answer is made with: a request takes one and keeps it to the end.

    Attributes:
        package: verified model package.
        book: rulebook with the lender's overlay.
        contract: digest of the application contract the package is served for.
    """

    package: Package
    book: Book
    contract: str


def load_triple(settings: Settings) -> Triple:
    """Load and verify what the store serves under the model's name.

    Raises:
        ModelNotServable: nothing is served, or a package is altered, unsigned or made for another contract.
    """
    from eco_credit.contracts import contract
    from eco_credit.registry.store import Store, served
    from eco_credit.rulebook import load

    package = served(Store(settings.home), settings.model_name)
    return Triple(package, load(settings.overlay), contract("application").digest)


def pointer_of(settings: Settings) -> tuple[int, int, int] | None:
    """What changes when the champion's pointer is replaced (inode, time, size); None without one."""
    try:
        found = (settings.home / "served" / settings.model_name / "champion.json").stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class Champions:
    """Holds the current triple. Readers see the old one or the new one, never a mixture."""

    def __init__(self, settings: Settings, load: Callable[[Settings], Triple] = load_triple) -> None:
        """Start empty; `refresh` loads."""
        self._settings, self._load = settings, load
        self._current: Triple | None = None
        self._pointer: tuple[int, int, int] | None = None
        self._tried = False
        self.alarm: str | None = None

    def current(self) -> Triple:
        """The triple in service.

        Raises:
            ModelNotServable: none has been loaded.
        """
        if self._current is None:
            raise ModelNotServable("no champion is served from this store", "该存储中没有在用模型")
        return self._current

    def book(self) -> Book:
        """The rulebook in service; also there when no model is."""
        if self._current is not None:
            return self._current.book
        from eco_credit.rulebook import load

        return load(self._settings.overlay)

    @property
    def ready(self) -> bool:
        """True when a verified package is in service."""
        return self._current is not None

    @property
    def synthetic(self) -> bool:
        """True when the package in service was trained on synthetic data."""
        return self._current is not None and self._current.package.synthetic

    def refresh(self) -> bool | None:
        """Load the champion if its pointer changed; a failure keeps the last good one and sets `alarm`.

        Returns:
            True after a load, False after a failed one, None when nothing had changed.
        """
        pointer = pointer_of(self._settings)
        if self._tried and pointer == self._pointer:
            return None
        self._tried, self._pointer = True, pointer
        try:
            self._current = self._load(self._settings)
        except Exception as error:  # whatever is wrong with a new package, the last good one stays
            self.alarm = getattr(error, "code", type(error).__name__)
            # The text of a refused package names files, never a case.
            log.error("champion not loaded: %s: %s", self.alarm, error)
            return False
        self.alarm = None
        return True


def reconcile(settings: Settings) -> bool:
    """Let a child process ask MLflow which version the champion alias names.

    MLflow is not imported here: it is heavy and not part of the trust boundary. What the child
    leaves behind is a package folder and a pointer, verified by `load_triple` as always.

    Returns:
        True when the child ended well.
    """
    code = (
        "import sys; from pathlib import Path; from eco_credit.registry.mlflow import reconcile;"
        "from eco_credit.registry.store import Store; reconcile(Store(Path(sys.argv[1])), sys.argv[2])"
    )
    arguments = [sys.executable, "-c", code, str(settings.home), settings.model_name]
    try:
        done = subprocess.run(  # noqa: S603  (our own interpreter and code)
            arguments, timeout=_RECONCILE_SECONDS, capture_output=True, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    if done.returncode != 0:
        # an alias moved without an approval ends here: said in the log, never followed
        log.error("registry and pointer do not agree: %s", done.stderr.decode(errors="replace").strip()[-300:])
    return done.returncode == 0
