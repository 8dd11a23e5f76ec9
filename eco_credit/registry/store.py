"""The store of one institution: where keys, models, decisions and the served packages lie.

::

    home/
      mlflow.db, mlartifacts/                registry and lineage (MLflow)
      keys/<digest of owner>.key.json        private keys, mode 0600
      keys/trusted.json                      public keys, owners and roles
      decisions.db                           decision log
      served/<name>/<digest>/                verified, twice signed packages
      served/<name>/<alias>.json             signed pointer to what is served
      served/<name>/<alias>.history.jsonl    every pointer there ever was
      served/<name>/proposals/               what was proposed, approved and refused on the desk
      served/<name>/monitor/                 results of monitoring that were kept
      demo.json                              present in a demo store
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import identifier, write_durably
from eco_credit.registry.keys import SigningKey, TrustedKey, create_key, load_key, read_trusted, trust
from eco_credit.registry.package import Package, load_package
from eco_credit.registry.pointer import Pointer, check_pointer

HOME_VARIABLE = "ECO_CREDIT_HOME"
TRACKING_VARIABLE = "ECO_CREDIT_MLFLOW_URI"
CHAMPION = "champion"
CHALLENGER = "challenger"
ALIASES = (CHAMPION, CHALLENGER, "shadow")


def utc_now() -> dt.datetime:
    """The time of day, in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Store:
    """Paths of a store, and the people in it.

    Attributes:
        home: its folder; made when something is first written.
        clock: gives the time for records of people's acts; never part of a digest that must reproduce.
    """

    home: Path
    clock: Callable[[], dt.datetime] = field(default=utc_now, compare=False)

    @classmethod
    def default(cls) -> Store:
        """The store of ``ECO_CREDIT_HOME``, or ``~/.eco-credit``."""
        return cls(Path(os.environ.get(HOME_VARIABLE) or Path.home() / ".eco-credit"))

    @property
    def mlflow_uri(self) -> str:
        """Tracking address: ``ECO_CREDIT_MLFLOW_URI``, or the SQLite file of the store."""
        return os.environ.get(TRACKING_VARIABLE) or f"sqlite:///{self.home.resolve() / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        """Folder of MLflow's artefacts."""
        return self.home / "mlartifacts"

    @property
    def decisions(self) -> Path:
        """SQLite file of the decision log."""
        return self.home / "decisions.db"

    @property
    def keys(self) -> Path:
        """Folder of the keys."""
        return self.home / "keys"

    @property
    def is_demo(self) -> bool:
        """True for a store made by the demo."""
        return (self.home / "demo.json").is_file()

    def mark_demo(self) -> None:
        """Mark the store as made by the demo."""
        self.home.mkdir(parents=True, exist_ok=True)
        write_durably(self.home / "demo.json", canonical_json({"demo": True}))

    def served_folder(self, name: str) -> Path:
        """Folder of what is served under a model name."""
        return self.home / "served" / identifier(name)

    def pointer_path(self, name: str, alias: str = CHAMPION) -> Path:
        """File that points to what is served under a name and alias."""
        return self.served_folder(name) / f"{identifier(alias)}.json"

    def has_champion(self, name: str) -> bool:
        """True when a champion was promoted under that name; it is not verified here."""
        return self.pointer_path(name).is_file()

    def trusted(self) -> dict[str, TrustedKey]:
        """The trusted keys; empty in a new store."""
        return read_trusted(self.keys / "trusted.json")

    def enrol(self, owner: str, role: str) -> SigningKey:
        """Give a person a key if they have none, and trust it for a role.

        Args:
            owner: the person's name as it will stand in records.
            role: ``trainer`` or ``approver``.

        Returns:
            The person's key.
        """
        self.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._key_path(owner)
        key = load_key(path) if path.exists() else create_key(path, owner)
        trust(self.keys / "trusted.json", key.public_key, owner, (role,))
        return key

    def signer(self, owner: str, role: str) -> SigningKey:
        """The key of a person who is trusted in a role.

        Raises:
            ModelNotServable: the person has no key here, or is not trusted in that role.
        """
        key = load_key(self._key_path(owner))
        listed = self.trusted().get(key.key_id)
        if listed is None or role not in listed.roles:
            raise ModelNotServable(f"{owner} is not enrolled as {role}", f"{owner} 未登记为 {role}")
        return key

    def _key_path(self, owner: str) -> Path:
        return self.keys / f"{sha256(owner.encode())[:16]}.key.json"


def pointed(store: Store, name: str, alias: str = CHAMPION) -> Pointer:
    """The checked pointer of a name and alias.

    Raises:
        ModelNotServable: nothing was promoted, or the pointer or its history does not hold.
    """
    return check_pointer(store.pointer_path(name, alias), name, alias, store.trusted())


def served(store: Store, name: str, alias: str = CHAMPION, *, contract: str | None = None) -> Package:
    """Load what was promoted under a name, without MLflow.

    Args:
        store: the store.
        name: registered model name.
        alias: ``champion``, ``challenger`` or ``shadow``.
        contract: as in `load_package`.

    Returns:
        The verified package, with its version in the registry.

    Raises:
        ModelNotServable: nothing was promoted, or anything about pointer, signatures or files is not in order.
    """
    return package_of(store, pointed(store, name, alias), contract=contract)


def package_of(store: Store, pointer: Pointer, *, contract: str | None = None) -> Package:
    """Load the package a checked pointer names.

    Args:
        store: the store.
        pointer: as `pointed` gives it, or one of its history.
        contract: as in `load_package`.

    Raises:
        ModelNotServable: the package is not in order, or not the one that was promoted.
    """
    folder = store.served_folder(pointer.name) / pointer.digest
    package = load_package(folder, store.trusted(), contract=contract, version=str(pointer.version))
    if package.digest != pointer.digest or package.name != pointer.name:
        raise ModelNotServable("the served package is not the one that was promoted", "在用模型包与批准的不一致")
    return package
