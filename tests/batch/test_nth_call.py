"""A call of a run that makes something durable fails: the run says so, and going on gives the same bytes.

Some of the places of each call are tried; ``ECO_CREDIT_EVERY_CALL=1`` tries them all (minutes).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from batch_rows import StandIn, flat, write_parquet

from eco_credit.core.errors import StorageUnavailable
from serving.batch import Limits, Options, run_batch

CALLS = ("fsync", "replace", "open", "unlink", "mkdir")
PLACES = 10**6 if os.environ.get("ECO_CREDIT_EVERY_CALL") else 5


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, call: str, place: int, number: int) -> Iterator[list[int]]:
    """``os.CALL`` gives an error the ``place``-th time; yields the count of its calls so far."""
    true, made = getattr(os, call), [0]

    def once(*arguments: Any, **options: Any) -> Any:
        made[0] += 1
        if made[0] == place:
            raise OSError(number, os.strerror(number))
        return true(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, call, once)
        yield made


def run(source: Path, out: Path, *, resume: bool = False) -> dict[str, Any]:
    return run_batch(source, out, scorer=StandIn(), options=Options(Limits(chunk_rows=10), resume=resume))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("ending", "number"), [(".parquet", errno.EIO), (".csv", errno.ENOSPC), (".xlsx", errno.EIO)])
def test_whichever_call_fails_there_is_no_half_file_and_going_on_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, ending: str
) -> None:
    columns = flat(24)
    columns["charge_rank"][7] = 0.0
    source = write_parquet(tmp_path / "in.parquet", columns)
    with failing(monkeypatch, call, 0, number) as made:
        quiet = run(source, tmp_path / f"quiet{ending}")
    assert made[0] > 0
    failed = 0
    for place in range(1, made[0] + 1, max(1, made[0] // PLACES)):
        out = tmp_path / f"{place}{ending}"
        with failing(monkeypatch, call, place, number):
            try:
                run(source, out)
            except StorageUnavailable as error:
                failed += 1
                assert ("disk_full" if number == errno.ENOSPC else "disk_fault") in str(error)
        assert not out.exists() or out.read_bytes() == (tmp_path / f"quiet{ending}").read_bytes()
        again = run(source, out, resume=True)
        assert again["output"]["sha256"] == quiet["output"]["sha256"], (call, place)
        assert again["counts"] == quiet["counts"], (call, place)
    assert failed > 0, "a failing call must not pass unnoticed everywhere"
