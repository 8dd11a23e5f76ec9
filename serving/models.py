"""The champion being served: one approved (package, rulebook, contract) triple, swapped whole."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from eco_credit.core.errors import ModelNotServable
from serving.settings import Settings
from serving.shelf import Shelf
from serving.triple import CHAMPION, Triple

if TYPE_CHECKING:
    from eco_credit.rulebook import Book

__all__ = ["Champions", "Triple", "load_triple", "pointer_of", "reconcile"]

log = logging.getLogger("eco_credit.serving")
_RECONCILE_SECONDS = 120
AGAIN_SECONDS = 30.0
"""Seconds after which a package that did not load is tried again."""


def load_triple(settings: Settings) -> Triple:
    """Probe, verify and load what the store serves under the model's name.

    Raises:
        ModelNotServable: nothing is served, or a package is altered, unsigned or made for another contract.
    """
    return Shelf()(settings)


def pointer_of(settings: Settings, alias: str = CHAMPION) -> tuple[int, int, int] | None:
    """What changes when the pointer of an alias is replaced (inode, time, size); None without one."""
    try:
        found = (settings.home / "served" / settings.model_name / f"{alias}.json").stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class Champions:
    """Holds the current triple of one alias. Readers see the old one or the new one, never a mixture.

    Attributes:
        alarm: code of the error that kept a newer package out, or None.
        fallback: version kept ready in memory for a rollback, or None.
        why: what that error said; it names files, never a case.
    """

    def __init__(
        self, settings: Settings, load: Callable[[Settings], Triple] | None = None, *, alias: str = CHAMPION
    ) -> None:
        """Start empty; `refresh` loads, by `Shelf` when nothing else is given."""
        self._settings, self._load, self._alias = settings, load or Shelf(alias), alias
        self._current: Triple | None = None
        self._pointer: tuple[int, int, int] | None = None
        self._tried: float | None = None
        self._cold = False
        self.fallback: str | None = None
        self.alarm: str | None = None
        self.why: str | None = None

    def current(self) -> Triple:
        """The triple in service.

        Raises:
            ModelNotServable: none has been loaded.
        """
        if self._current is None:
            raise ModelNotServable(f"no {self._alias} is served from this store", "该存储中没有在用模型")
        return self._current

    @property
    def found(self) -> Triple | None:
        """The triple in service, or None."""
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
        """Load what the pointer names if it changed; a failure keeps the last good one and sets `alarm`.

        What failed is tried again after `AGAIN_SECONDS`: the reason may have been the machine's, not the package's.

        Returns:
            True after a load, False after a failed one, None when there was nothing to do.
        """
        pointer = pointer_of(self._settings, self._alias)
        if self._tried is not None and pointer == self._pointer and not self._due():
            return None
        if pointer is None and self._alias != CHAMPION:  # most stores have no challenger: that is no failure
            self._pointer, self._current, self.alarm, self.why = None, None, None, None
            return None
        self._tried, self._pointer = time.monotonic(), pointer
        try:
            self._current = self._load(self._settings)
        except Exception as error:  # whatever is wrong with a new package, the last good one stays
            self.alarm = getattr(error, "code", type(error).__name__)
            self.why = getattr(error, "en", self.alarm)
            # The text of a refused package names files, never a case.
            log.error("%s not loaded: %s: %s", self._alias, self.alarm, error)
            return False
        self._cold, self.alarm, self.why = True, None, None
        return True

    def _due(self) -> bool:
        return self.alarm is not None and time.monotonic() - (self._tried or 0.0) > AGAIN_SECONDS

    def warm(self) -> None:
        """Keep ready in memory what a rollback would go back to, where this holder knows how."""
        if self._cold and isinstance(self._load, Shelf):
            self._cold = False
            self.fallback = self._load.warm(self._settings)


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
    from eco_credit.registry.probe import own_code

    arguments = [sys.executable, "-c", code, str(settings.home), settings.model_name]
    try:
        done = subprocess.run(  # noqa: S603  (our own interpreter and code)
            arguments, timeout=_RECONCILE_SECONDS, capture_output=True, check=False, env=own_code()
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    if done.returncode != 0:
        # an alias moved without an approval ends here: said in the log, never followed
        log.error("registry and pointer do not agree: %s", done.stderr.decode(errors="replace").strip()[-300:])
    return done.returncode == 0
