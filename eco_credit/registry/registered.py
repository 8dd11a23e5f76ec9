"""What the registry lists, and one version of it brought here: asked for by a process that does not carry MLflow.

A child process with MLflow answers. A version is brought beside the served packages with its trainer's signature
alone: nothing points to it and nothing serves it before an approver has signed it as well.

``python -m eco_credit.registry.registered list HOME NAME`` and ``... bring HOME NAME VERSION`` are the child.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import EcoCreditError, ModelNotServable
from eco_credit.registry.folder import ModelName
from eco_credit.registry.keys import APPROVER, TRAINER
from eco_credit.registry.package import MANIFEST, load_package, write_folder
from eco_credit.registry.probe import REFUSED, own_code
from eco_credit.registry.signature import SIGNATURE_FILES, verify
from eco_credit.registry.store import Store

SECONDS = 120
"""Longest time the registry may take."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One version in the registry, as the registry tells it: lineage, not trust.

    Attributes:
        version: its number.
        digest: digest of its package.
        trainer: who trained it.
        gate: ``green``, ``amber`` or ``red``; empty when not on record.
        synthetic: True when trained on synthetic data.
        aliases: names the registry has for it.
    """

    version: int
    digest: str
    trainer: str
    gate: str
    synthetic: bool
    aliases: tuple[str, ...]


def registered(store: Store, name: str) -> list[Registered]:
    """All versions of a model name in the registry, the newest first.

    Raises:
        ModelNotServable: the registry does not answer in time, or is not there.
    """
    rows = _asked(["list", str(store.home.resolve()), name])["versions"]
    return [
        Registered(int(one["version"]), one["digest"], one["trainer"], one["gate"], one["synthetic"] == "true",
                   tuple(one["aliases"]))
        for one in rows
    ]  # fmt: skip


def bring(store: Store, name: str, version: int) -> str:
    """Bring a registered version beside the served packages, verified whole by the child.

    Returns:
        Digest of its package, whose folder is ``served/<name>/<digest>``; `brought` looks at it again.

    Raises:
        ModelNotServable: there is no such version, or its package is not in order.
    """
    found = str(_asked(["bring", str(store.home.resolve()), name, str(version)])["digest"])
    brought(store, name, found)
    return found


def brought(store: Store, name: str, digest: str) -> None:
    """Check a package that was brought: its manifest is the one of the digest, of this name, signed by a trainer.

    Raises:
        ModelNotServable: it is not there, or not in order.
    """
    folder = store.served_folder(name) / digest
    try:
        manifest, signature = ((folder / file).read_bytes() for file in (MANIFEST, SIGNATURE_FILES[TRAINER]))
    except OSError as error:
        raise ModelNotServable("the package cannot be read", "模型包无法读取") from error
    if sha256(manifest) != digest or json.loads(manifest).get("name") != name:
        raise ModelNotServable("the package is not the registered one", "模型包与登记的不一致")
    verify(manifest, signature, TRAINER, store.trusted())


def _asked(arguments: list[str]) -> Mapping[str, Any]:
    """What the child answers.

    Raises:
        ModelNotServable: it refused, failed, or took too long.
    """
    try:
        done = subprocess.run(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-m", "eco_credit.registry.registered", *arguments],
            timeout=SECONDS, capture_output=True, check=False, env=own_code(), stdin=subprocess.DEVNULL,
        )  # fmt: skip
        told = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        raise ModelNotServable("the registry does not answer", "登记库无应答") from error
    if done.returncode == REFUSED and isinstance(told, dict) and "en" in told:
        raise ModelNotServable(str(told["en"]), str(told["zh"]))
    if done.returncode != 0 or not isinstance(told, dict):
        raise ModelNotServable("the registry does not answer", "登记库无应答")
    return told


def _listed(store: Store, name: str) -> dict[str, Any]:
    from eco_credit.registry.mlflow import list_models
    from eco_credit.registry.tracking import answered

    if store.mlflow_uri.startswith("sqlite:") and not (store.home / "mlflow.db").is_file() and not _elsewhere():
        return {"versions": []}  # asking would make an empty one
    with answered("the registry does not answer", "登记库无应答"):
        return {"versions": [row for row in list_models(store) if row["name"] == name]}


def _elsewhere() -> bool:
    from eco_credit.registry.store import TRACKING_VARIABLE

    return bool(os.environ.get(TRACKING_VARIABLE))


def _brought(store: Store, name: str, version: int) -> dict[str, Any]:
    from eco_credit.registry.tracking import fetch

    folder, number = fetch(store, ModelName(name, version=version))
    package = load_package(folder, store.trusted(), False, version=number)
    if package.name != name:
        raise ModelNotServable("the package is not the registered one", "模型包与登记的不一致")
    target = store.served_folder(name) / package.digest
    unsigned = {file: data for file, data in package.files.items() if file != SIGNATURE_FILES[APPROVER]}
    with suppress(FileExistsError):  # it was served or brought before
        write_folder(target, unsigned)
    return {"digest": package.digest}


def main(arguments: list[str]) -> int:
    """Answer one question on stdout: 0 with the answer, 3 with the reason it is refused."""
    act, home, name, *rest = arguments
    store = Store(Path(home))
    try:
        told = _listed(store, name) if act == "list" else _brought(store, name, int(rest[0]))
    except EcoCreditError as error:
        sys.stdout.write(canonical_json({"en": error.en, "zh": error.zh}).decode() + "\n")
        return REFUSED
    sys.stdout.write(canonical_json(told).decode() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
