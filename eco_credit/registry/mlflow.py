"""MLflow's aliases and the signed pointers: who may move them, and what happens when they disagree.

An alias other than ``challenger`` follows a signed pointer. Every pointer is kept as a tag of the registered
model, so that another machine can take a promotion over with its whole history, and an alias that somebody
moved by hand is told from one that lags because the registry was away.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import identifier, parse_json, write_durably
from eco_credit.registry.folder import ModelName
from eco_credit.registry.keys import APPROVER
from eco_credit.registry.lineage import DIGEST_TAG, PackageModel, attach_report, declare_model, log_package
from eco_credit.registry.package import MANIFEST, load_package, write_folder
from eco_credit.registry.pointer import Pointer, check_chain, earlier, read_history, write_pointer
from eco_credit.registry.signature import SIGNATURE_FILES, verify
from eco_credit.registry.store import CHAMPION, Store, pointed
from eco_credit.registry.tracking import answered, client_of, fetch, version_of

__all__ = [
    "PackageModel",
    "attach_report",
    "check_alias",
    "client_of",
    "declare_model",
    "fetch",
    "follow",
    "list_models",
    "log_package",
    "reconcile",
    "version_of",
]

log = logging.getLogger("eco_credit.registry")
POINTER_TAG = "eco_credit.pointer"
APPROVAL_TAG = "eco_credit.approval"


def follow(store: Store, pointer: Pointer) -> None:
    """Let MLflow's alias follow a pointer, and keep approval and history with the model.

    The history comes last: as long as it is short of this store's, the alias is known to lag.

    Raises:
        ModelNotServable: the registry does not answer or does not know the version.
    """
    path = store.pointer_path(pointer.name, pointer.alias)
    approval = store.served_folder(pointer.name) / pointer.digest / SIGNATURE_FILES["approver"]
    told = {
        APPROVAL_TAG: approval.read_text(encoding="utf-8"),
        "eco_credit.approver": pointer.approver,
        "eco_credit.waived": pointer.waived,
    }
    with answered("the registry does not follow: run reconcile when it answers", "登记库未跟上，待其恢复后请核对"):
        client, version = client_of(store), str(pointer.version)
        for tag, value in told.items():
            client.set_model_version_tag(pointer.name, version, tag, value)
        client.set_registered_model_alias(pointer.name, pointer.alias, version)
        known = client.get_registered_model(pointer.name).tags
        for place, whole in enumerate(read_history(path, store.trusted()), start=1):
            if _history_tag(pointer.alias, place) not in known:
                text = canonical_json(whole).decode()
                client.set_registered_model_tag(pointer.name, _history_tag(pointer.alias, place), text)


def _history_tag(alias: str, place: int) -> str:
    return f"{POINTER_TAG}.{alias}.{place:06d}"


def told_history(store: Store, name: str, alias: str) -> list[dict[str, Any]]:
    """The pointers the registry has been told, checked like those on disk: signatures, sequence, chain.

    Raises:
        ModelNotServable: the registry does not answer, or the chain does not hold.
    """
    with answered("the registry has no such model", "登记库中没有该模型"):
        tags = client_of(store).get_registered_model(identifier(name)).tags
    start = f"{POINTER_TAG}.{alias}."
    stored = [parse_json(tags[tag].encode(), "pointer") for tag in sorted(tags) if tag.startswith(start)]
    for pointer in check_chain(stored, store.trusted()):
        if (pointer.name, pointer.alias) != (name, alias):
            raise ModelNotServable("a pointer of another model or alias is on record", "登记的指针属于其他模型或别名")
    return stored


def check_alias(store: Store, name: str, alias: str, *, version: str, digest: str) -> None:
    """Refuse what an alias names unless a signed pointer says the same: this store's, else the registry's.

    Raises:
        ModelNotServable: the alias was moved without an approval, or no pointer is there at all.
    """
    if store.pointer_path(name, alias).is_file():
        pointer = pointed(store, name, alias)
    else:
        told = check_chain(told_history(store, name, alias), store.trusted())
        if not told:
            raise _unapproved()
        pointer = told[-1]
    if (str(pointer.version), pointer.digest) != (version, digest):
        raise _unapproved()


def _unapproved() -> ModelNotServable:
    return ModelNotServable("the alias was moved without an approval", "别名变更未经批准")


def list_models(store: Store) -> list[dict[str, Any]]:
    """All versions in the registry, newest first within a name: version, aliases, digest, trainer, approver, gate."""
    client = client_of(store)
    rows = []
    for model in sorted(client.search_registered_models(), key=lambda found: str(found.name)):
        aliases: dict[str, list[str]] = {}
        for alias, version in client.get_registered_model(model.name).aliases.items():
            aliases.setdefault(str(version), []).append(alias)
        found = client.search_model_versions(f"name='{model.name}'")
        for record in sorted(found, key=lambda item: -int(item.version)):
            rows.append(_row(record, sorted(aliases.get(str(record.version), []))))
    return rows


def _row(record: Any, aliases: list[str]) -> dict[str, Any]:
    names = ("digest", "trainer", "approver", "gate", "synthetic", "data")
    kept = {name: record.tags.get(f"eco_credit.{name}", "") for name in names}
    return {"name": record.name, "version": int(record.version), "aliases": aliases} | kept


def reconcile(store: Store, name: str, alias: str = CHAMPION) -> str:
    """Make the local pointer and MLflow's alias agree, if an approval says so.

    Returns:
        ``same`` when they agree; ``installed`` when another machine's promotions were taken over, the package fetched,
        verified and pointed to; ``followed`` when the registry was away during an act of this store and was told now.

    Raises:
        ModelNotServable: the alias names a version that nobody approved for it, the histories differ, or the package
            is not in order.
    """
    record = version_of(store, ModelName(identifier(name), alias=alias))
    named = (str(record.version), record.tags.get(DIGEST_TAG))
    path, trusted = store.pointer_path(name, alias), store.trusted()
    told, here = told_history(store, name, alias), read_history(path, trusted)
    shared = min(len(told), len(here))
    if told[:shared] != here[:shared]:
        raise ModelNotServable("registry and store tell different histories of promotion", "登记库与本库批准历史不一致")
    if len(told) < len(here):
        follow(store, pointed(store, name, alias))
        return "followed"
    if not told:
        raise _unapproved()
    pointer = check_chain(told, trusted)[-1]
    if named != (str(pointer.version), pointer.digest):
        raise _unapproved()
    if len(told) == len(here):
        return "same"
    _take_over(store, pointer, told)
    return "installed"


def _take_over(store: Store, pointer: Pointer, told: list[dict[str, Any]]) -> None:
    """Install what was promoted on another machine against the same registry, and what it can be rolled back to."""
    path = store.pointer_path(pointer.name, pointer.alias)
    path.parent.mkdir(parents=True, exist_ok=True)
    _bring(store, pointer)
    before = earlier(check_chain(told, store.trusted()))
    if before is not None:
        try:
            _bring(store, before)
        except ModelNotServable as error:
            # a package that is no longer in order cannot be rolled back to; that is no reason not to serve the new one
            log.warning("version %d cannot be rolled back to: %s", before.version, error.en)
    write_pointer(path, told[-1], told[:-1])


def _bring(store: Store, pointer: Pointer) -> None:
    target = store.served_folder(pointer.name) / pointer.digest
    signature = target / SIGNATURE_FILES["approver"]
    if not signature.is_file():  # a package that was only brought to be proposed has no second signature
        model = ModelName(pointer.name, version=pointer.version)
        approval = version_of(store, model).tags.get(APPROVAL_TAG)
        if approval is None:
            raise _unapproved()
        package = load_package(fetch(store, model)[0], store.trusted(), False)
        if package.digest != pointer.digest:
            raise ModelNotServable("the registry holds another package than was approved", "登记的模型包与批准的不一致")
        verify(package.files[MANIFEST], approval.encode(), APPROVER, store.trusted())
        if target.exists():
            write_durably(signature, approval.encode())
        else:
            write_folder(target, {**package.files, SIGNATURE_FILES["approver"]: approval.encode()})
    load_package(target, store.trusted())


def main(arguments: list[str]) -> int:
    """``python -m eco_credit.registry.mlflow reconcile HOME NAME [ALIAS]``: 0 when all agrees, 3 when it cannot."""
    if len(arguments) not in (3, 4) or arguments[0] != "reconcile":
        sys.stderr.write("usage: reconcile HOME NAME [ALIAS]\n")
        return 2
    try:
        reconcile(Store(Path(arguments[1])), *arguments[2:])
    except ModelNotServable as error:
        sys.stderr.write(canonical_json({"error": error.code, "en": error.en, "zh": error.zh}).decode() + "\n")
        return 3
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
