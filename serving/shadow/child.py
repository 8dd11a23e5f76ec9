"""The process that scores for the challenger: applications come in on stdin, rows go into the file of the shadow.

A process of its own, so that no answer waits for it and a challenger that breaks takes nothing with it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from eco_credit.core.errors import ModelNotServable
from serving.pipeline import Answer, Ask, House
from serving.shadow.table import FIGURES, add_rows, figures_of, open_shadow, shadow_path
from serving.triple import CHALLENGER, Triple

GROUP = 16
"""Most applications scored in one pass and committed together."""
_BLOCK = 1 << 20


def load(told: Mapping[str, Any]) -> tuple[Triple, Any]:
    """The challenger and the lender's book the parent speaks of.

    Raises:
        ModelNotServable: the package is not in order, or another one than the parent verified.
    """
    from eco_credit.contracts import contract
    from eco_credit.registry.store import Store, served
    from eco_credit.rulebook import load as load_rules
    from serving.book import read_book

    package = served(Store(Path(told["home"])), told["model_name"], CHALLENGER)
    if package.digest != told["digest"]:
        raise ModelNotServable("the challenger changed", "挑战者模型已更换")
    overlay, book = (None if told[name] is None else Path(told[name]) for name in ("overlay", "book"))
    triple = Triple(package, load_rules(overlay), contract("application").digest)
    return triple, None if book is None else read_book(book)


def lines(descriptor: int) -> Iterator[list[bytes]]:
    """Groups of whole lines as they come in, until the other end closes."""
    rest = b""
    while block := os.read(descriptor, _BLOCK):
        *whole, rest = (rest + block).split(b"\n")
        for start in range(0, len(whole), GROUP):
            yield whole[start : start + GROUP]


def row_of(item: Mapping[str, Any], challenger: str, found: Answer | Exception) -> tuple[Any, ...]:
    """One row of the file: the champion's figures as they came, the challenger's, or why there are none."""
    failed = isinstance(found, Exception)
    beside = [None] * len(FIGURES) if isinstance(found, Exception) else figures_of(found.body)
    error = getattr(found, "code", type(found).__name__) if failed else None
    return (
        item["decision_id"], challenger, item["tenant"], item["created_at"], item["champion"],
        *item["figures"], *beside, error,
    )  # fmt: skip


def work(connection: sqlite3.Connection, group: Sequence[bytes], triple: Triple, held: Any) -> None:
    """Score a group and record it."""
    items = [json.loads(line) for line in group]
    asks = [Ask(json.loads(item["request"]), triple, item["decision_id"], held) for item in items]
    results = House().score(asks)
    digest = triple.package.digest
    add_rows(connection, [row_of(item, digest, found) for item, found in zip(items, results, strict=True)])


def main() -> int:
    """Read what to serve from the first line, then score until stdin closes."""
    with suppress(AttributeError, OSError):
        os.nice(10)
    told = json.loads(sys.argv[1])
    try:
        triple, held = load(told)
    except ModelNotServable:
        return 3
    connection = open_shadow(shadow_path(Path(told["home"])))
    try:
        for group in lines(sys.stdin.fileno()):
            work(connection, group, triple, held)
    finally:
        connection.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
