"""Every operation of the API description takes what schemathesis makes up, without a fault of the service."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fuzz_run import store_for
from fuzz_schema import run, served, without_not

pytest.importorskip("schemathesis")


def test_no_operation_answers_a_generated_request_with_a_fault(tmp_path: Path) -> None:
    with served(store_for(tmp_path / "store")) as address:
        done = run(address, tmp_path, examples=25, seed=20261125, phases="fuzzing,stateful")
    assert done.returncode == 0, done.stdout[-4_000:]
    tested, passed = re.search(r"Tested: (\d+)", done.stdout), re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert tested is not None and int(tested[1]) >= 13
    assert passed is not None and passed[1] == passed[2] and int(passed[1]) > 100


def test_only_the_words_not_are_left_out_of_the_description() -> None:
    assert without_not({"a": [{"not": {}, "b": 1}], "c": "not"}) == {"a": [{"b": 1}], "c": "not"}
