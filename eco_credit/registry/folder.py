"""What MODEL means on the command line: ``name@alias``, ``name/version`` or a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import identifier
from eco_credit.registry.package import MANIFEST, Package, load_package
from eco_credit.registry.store import CHALLENGER, Store


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model in the registry, by alias or by version (one of the two is set)."""

    name: str
    alias: str | None = None
    version: int | None = None


def read_model_name(text: str) -> ModelName | None:
    """Read ``name@alias`` or ``name/version``; None for anything else.

    Example:
        >>> read_model_name("eco-credit@champion"), read_model_name("eco-credit/3"), read_model_name("./a")
        (ModelName(name='eco-credit', alias='champion', version=None), \
ModelName(name='eco-credit', alias=None, version=3), None)
    """
    name, at, alias = text.partition("@")
    if at:
        return ModelName(identifier(name), alias=identifier(alias))
    name, slash, version = text.partition("/")
    # a third slash or a dot makes it a path
    if slash and version.isascii() and version.isdigit() and not name.startswith("."):
        return ModelName(identifier(name), version=int(version)) if name else None
    return None


def open_model(store: Store, model: str, *, require_approval: bool = False, contract: str | None = None) -> Package:
    """Open a model by folder, by alias or by version, verified against the store's trusted keys.

    ``challenger`` is what was registered last, signed by its trainer; any other alias must name what a signed
    pointer names, wherever the registry says it is.

    Args:
        store: the store.
        model: ``name@alias``, ``name/version`` or a package folder.
        require_approval: also ask for the approver's signature.
        contract: as in `load_package`.

    Returns:
        The verified package.

    Raises:
        ModelNotServable: there is no such model, or the package is not in order.
    """
    asked = None if (Path(model) / MANIFEST).is_file() else read_model_name(model)
    if asked is None:
        if not (Path(model) / MANIFEST).is_file():
            raise ModelNotServable("there is no model package of that name", "没有该模型包")
        return load_package(Path(model), store.trusted(), require_approval, contract=contract)
    from eco_credit.registry.mlflow import check_alias, fetch

    folder, version = fetch(store, asked)
    package = load_package(folder, store.trusted(), require_approval, contract=contract, version=version)
    if asked.alias not in (None, CHALLENGER):
        check_alias(store, asked.name, str(asked.alias), version=version, digest=package.digest)
    return package
