"""Verified packages in memory: probed in a child process first, and the last good ones kept hot for a rollback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eco_credit.core.errors import EcoCreditError, ModelNotServable
from serving.forward import check_forward, mark_path, remember
from serving.settings import Settings
from serving.triple import CHAMPION, Triple

if TYPE_CHECKING:
    from eco_credit.registry import Package, Store
    from eco_credit.registry.pointer import Pointer

log = logging.getLogger("eco_credit.serving")
KEPT = 3
"""Packages kept in memory: the one in service, the one before, and one more."""
Probe = Callable[["Store", str, str], None]


def _probe(store: Store, name: str, digest: str) -> None:
    from eco_credit.registry.probe import probe

    probe(store, name, digest)


class Shelf:
    """Loads what a signed pointer names; called by one thread at a time."""

    def __init__(self, alias: str = CHAMPION, probe: Probe = _probe) -> None:
        """Load under ``alias``; ``probe`` looks at a package before this process parses it."""
        self._alias, self._probe = alias, probe
        self._hot: dict[str, Package] = {}

    def __call__(self, settings: Settings) -> Triple:
        """Load and verify what the store serves: pointer, history, signatures, digests, structure, golden rows.

        Raises:
            ModelNotServable: nothing is served, or anything about it is not in order; the message says what.
        """
        from eco_credit.contracts import contract
        from eco_credit.registry.store import Store, pointed
        from eco_credit.rulebook import load

        store, path = Store(settings.home), mark_path(settings.home, settings.model_name, self._alias)
        pointer = pointed(store, settings.model_name, self._alias)
        history = self._history(store, settings)
        check_forward(path, history)
        triple = Triple(self._package(store, pointer), load(settings.overlay), contract("application").digest)
        try:
            remember(path, history)
        except OSError as error:  # a store that is read-only today is served, and said so
            log.error("what is in service could not be marked: %s", type(error).__name__)
        return triple

    def warm(self, settings: Settings) -> str | None:
        """Load the package a rollback would go back to; one that is not in order any more is left alone.

        Returns:
            Its version, or None where there is nothing to go back to.
        """
        from eco_credit.registry.pointer import check_chain, earlier
        from eco_credit.registry.store import Store

        store = Store(settings.home)
        try:
            chain = check_chain(self._history(store, settings), store.trusted())
            before = earlier(chain) if chain else None
            return None if before is None else self._package(store, before).version
        except (EcoCreditError, OSError) as error:
            log.warning("no earlier model is kept ready: %s", error)
            return None

    def _history(self, store: Store, settings: Settings) -> list[dict[str, Any]]:
        from eco_credit.registry.pointer import read_history

        return read_history(store.pointer_path(settings.model_name, self._alias), store.trusted())

    def _package(self, store: Store, pointer: Pointer) -> Package:
        """The package of a pointer: from memory where it was verified before, else probed and then loaded."""
        from eco_credit.registry.store import package_of

        found = self._hot.pop(pointer.digest, None)
        if found is None or found.version != str(pointer.version):
            self._probe(store, pointer.name, pointer.digest)
            found = package_of(store, pointer)
        if found.name != pointer.name:
            raise ModelNotServable("the served package is not the one that was promoted", "在用模型包与批准的不一致")
        self._hot[pointer.digest] = found
        while len(self._hot) > KEPT:
            del self._hot[next(iter(self._hot))]
        return found
