"""Rows of a decision log by the columns of its tables, with what is sealed opened where a key file is named."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from eco_credit.core.errors import StorageUnavailable
from eco_credit.registry.sealed import Part, Place, key_id_of, unseal
from eco_credit.registry.subject_keys import KeyFile, Wrapped, read_key_file

KEY_FILE = "ECO_CREDIT_SUBJECT_KEY_FILE"
"""Environment variable that names the key file, as for the service."""
READ = (
    "SELECT decision_id, kind, about, application_id, request, answer, model_digest, tenant FROM decisions"
    " ORDER BY sequence"
)
READ_KEYS = "SELECT tenant, key_id, kek_id, wrapped FROM subject_keys"
_REQUEST, _ANSWER, _TENANT = 4, 5, 7


def rows_of(path: Path) -> list[tuple[Any, ...]]:
    """All records in the order of their chain: identifier, kind, about, application, request, answer, model digest.

    A request that cannot be opened, as its key was erased or no key file is named, comes as empty text.

    Raises:
        sqlite3.Error: the file cannot be read.
        StorageUnavailable: the key file that is named cannot be used.
    """
    named = os.environ.get(KEY_FILE)
    file = read_key_file(Path(named)) if named else None
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        has_keys = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'subject_keys'").fetchone()
        keys = {row[:2]: Wrapped(*row) for row in connection.execute(READ_KEYS)} if has_keys else {}
        return list(_opened(connection.execute(READ), file, keys))


def _opened(
    rows: sqlite3.Cursor, file: KeyFile | None, keys: Mapping[tuple[str, str], Wrapped]
) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        key_id = key_id_of(row[_REQUEST])
        if key_id is None:
            yield row[:_TENANT]
            continue
        key, request = keys.get((row[_TENANT], key_id)), b""
        if file is not None and key is not None:
            try:
                place, stored = Place(row[_TENANT], row[0], row[1]), Part(row[_REQUEST], row[_ANSWER], "", "")
                request = unseal(file.cipher(key), place, stored).request
            except StorageUnavailable:
                request = b""
        yield (*row[:_REQUEST], request, *row[_ANSWER:_TENANT])
