"""What every command shares: JSON on stdout, people's text on stderr, exit codes.

Exit codes: 0 done, 1 anything else, 2 bad usage, 3 refused input, 4 a gate is not met.
"""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from eco_credit.core.errors import ContractError, EcoCreditError, GateNotMet, RuleNotInForce

JsonOption = Annotated[bool, typer.Option("--json", help="Machine output on stdout; progress goes to stderr.")]
HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Store folder (default: $ECO_CREDIT_HOME or ~/.eco-credit).")
]


class Language(StrEnum):
    """Language of a report."""

    zh = "zh"
    en = "en"


EXIT_REFUSED = 3
EXIT_GATE = 4


def json_option() -> Any:
    """The shared ``--json`` option, for commands declared with default values."""
    return typer.Option(False, "--json", help="Machine output on stdout; progress goes to stderr.")


def emit(data: Any, as_json: bool) -> None:
    """Write a result to stdout: compact JSON for machines, an indented outline for people."""
    if as_json:
        sys.stdout.write(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n")
    elif isinstance(data, str):
        sys.stdout.write(data.rstrip("\n") + "\n")
    else:
        sys.stdout.write(outline(data) + "\n")


def outline(data: Any, indent: int = 0) -> str:
    """Write nested plain data as indented ``key: value`` lines."""
    pad = "  " * indent
    if isinstance(data, dict):
        return "\n".join(_entry(pad, key, value, indent) for key, value in data.items())
    if isinstance(data, list):
        return "\n".join(f"{pad}- {outline(item, indent + 1).lstrip()}" for item in data) or f"{pad}(none)"
    return f"{pad}{data}"


def _entry(pad: str, key: str, value: Any, indent: int) -> str:
    if isinstance(value, (dict, list)) and value:
        return f"{pad}{key}:\n{outline(value, indent + 1)}"
    return f"{pad}{key}: {value if value not in ({}, []) else '-'}"


def note(message: str) -> None:
    """Say something to the person at the terminal, on stderr."""
    sys.stderr.write(message + "\n")


def problem(error: EcoCreditError) -> dict[str, Any]:
    """An error as plain data, in the shape of the API's problem documents."""
    violations = error.violations if isinstance(error, ContractError) else ()
    return {
        "type": f"/problems/{error.code}",
        "title": error.title_en,
        "title_zh": error.title_zh,
        "detail": error.en,
        "detail_zh": error.zh,
        "errors": [
            {"field": v.field, "rule": v.rule, "en": v.en, "zh": v.zh} | ({"row": v.row} if v.row is not None else {})
            for v in violations
        ],
    }


def exit_code(error: EcoCreditError) -> int:
    """Exit code of an error: 3 refused input, 4 gate, 1 anything else."""
    if isinstance(error, (ContractError, RuleNotInForce)):
        return EXIT_REFUSED
    return EXIT_GATE if isinstance(error, GateNotMet) else 1


def refuse(error: EcoCreditError, as_json: bool = False) -> NoReturn:
    """Show an error and leave with its exit code; never a stack trace.

    Raises:
        typer.Exit: always.
    """
    if as_json:
        emit(problem(error), True)
    lines = [f"{error.title_en} / {error.title_zh}"]
    if isinstance(error, ContractError):
        lines += [f"  {_place(v.row)}{v.field} [{v.rule}] {v.en} / {v.zh}" for v in error.violations]
    else:
        lines += [f"  {error.en}"] + ([f"  {error.zh}"] if error.zh != error.en else [])
    note("\n".join(lines))
    raise typer.Exit(exit_code(error))


def _place(row: int | None) -> str:
    return "" if row is None else f"row {row}: "


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: temporary file, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as sink:
            sink.write(data)
            sink.flush()
            os.fsync(sink.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
