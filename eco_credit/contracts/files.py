"""Where contract files are found: this project's folder and those of outside packages.

An outside package joins by the entry point group ``eco_credit.contracts``: each entry point is the
path of a folder laid out like ``data_contracts``. A name held twice is an error.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import yaml

import data_contracts

ENTRY_POINTS = "eco_credit.contracts"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def folders() -> tuple[Path, ...]:
    """Our folder first, then one folder per outside package."""
    outside = (Path(str(point.load())) for point in entry_points(group=ENTRY_POINTS))
    return (data_contracts.FOLDER, *outside)


def names() -> tuple[str, ...]:
    """Names of all contracts, sorted."""
    return tuple(sorted(path.stem for folder in folders() for path in folder.glob("*.yaml")))


def find(name: str, *, folder: str = "") -> Path:
    """Path of the file of a contract or, with ``folder="lists"``, of a code list.

    Raises:
        KeyError: there is no such file, or more than one.
    """
    return _one(f"{name}.yaml", folder=folder)


def find_example(kind: str) -> Path:
    """Path of the example application of a kind of pledge; errors as in `find`."""
    return _one(f"{kind}.json", folder="examples")


@cache
def _one(file: str, *, folder: str) -> Path:
    found = [path for place in folders() if (path := place / folder / file).is_file()]
    if len(found) != 1 or Path(file).name != file:
        raise KeyError(f"{len(found)} files named {file!r}, expected one")
    return found[0]


@cache
def read_yaml(path: Path) -> dict[str, Any]:
    """Parse one YAML file; the result is shared and must not be changed."""
    data: dict[str, Any] = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 - a safe loader
    return data
