from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_fakes import Visitor


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    with Visitor(tmp_path) as one:
        yield one
