"""What the commands of this room say: progress to stderr, results to stdout, errors as exit codes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

from eco_credit.core.errors import ContractError, EcoCreditError, GateNotMet, RuleNotInForce

OTHER, REFUSED, SHORT = 1, 3, 4
"""Exit codes: anything else, refused input, a gate that is not met. Bad usage is 2."""


def emit(data: Mapping[str, Any], as_json: bool) -> None:
    """Write a result to stdout: compact JSON, or one line per figure."""
    if as_json:
        typer.echo(json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
        return
    for path, value in flat(data):
        typer.echo(f"{path}: {value:.6g}" if isinstance(value, float) else f"{path}: {value}")


def flat(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested data with their dotted paths.

    Example:
        >>> list(flat({"a": {"b": 1}, "c": [2]}))
        [('a.b', 1), ('c.0', 2)]
    """
    if isinstance(data, Mapping):
        pairs = [(str(key), item) for key, item in data.items()]
    elif isinstance(data, list | tuple):
        pairs = [(str(place), item) for place, item in enumerate(data)]
    else:
        yield path, data
        return
    for key, item in pairs:
        yield from flat(item, f"{path}.{key}" if path else key)


@contextmanager
def exits(as_json: bool) -> Iterator[None]:
    """Turn the errors of the house into exit codes and a sentence on stderr (and JSON on stdout when asked)."""
    try:
        yield
    except EcoCreditError as error:
        refused = isinstance(error, ContractError | RuleNotInForce)
        code = SHORT if isinstance(error, GateNotMet) else REFUSED if refused else OTHER
        typer.echo(f"{error.title_en}: {error.en}\n{error.title_zh}：{error.zh}", err=True)
        if as_json:
            emit({"error": error.code, "title": error.title_en, "detail": error.en, "zh": error.zh}, True)
        raise typer.Exit(code) from error


class Steps:
    """Names each step on stderr as it begins, with the seconds the one before took."""

    def __init__(self) -> None:
        """Begin now."""
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False)
        self.name, self.since = "", time.monotonic()

    def __call__(self, name: str) -> None:
        """Begin a step."""
        self.done()
        self.name, self.since = name, time.monotonic()
        self.console.print(f"[dim]·[/] {name}")

    def done(self) -> None:
        """End the step that is running."""
        if self.name:
            self.console.print(f"[green]✓[/] {self.name} [dim]{time.monotonic() - self.since:.1f} s[/]")
        self.name = ""
