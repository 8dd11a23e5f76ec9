"""What is done to many cells, keys or rows at once is what would be done to each alone."""

from __future__ import annotations

import pickle
import sys
from collections import Counter
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_rows import BY_NAME, cells, flat, opened, write_csv
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eco_credit.contracts.columns import text_rule, text_rules
from serving.batch.cells import Reading
from serving.batch.chunk import Chunk, is_unknown, join, unknown
from serving.batch.runs import Hashes, stretches

ODD = st.sampled_from(["'12", " 张三 ", "nan", "N/A", "12e+17", "1.2E17", "", "\u3000李", "x" * 200, "-", "王五"])
TEXTS = st.lists(st.one_of(ODD, st.text(max_size=9)), max_size=30)


@pytest.mark.parametrize("name", ["borrower_name", "id_no", "certificate_no"])
@given(texts=TEXTS)
def test_texts_read_together_are_those_read_one_by_one(name: str, texts: list[str]) -> None:
    reading = Reading(BY_NAME[name], Fraction(1), {}, False, 100)
    assert reading.values(texts) == [reading.value(text) for text in texts]
    assert reading.values([*texts, None]) == [*(reading.value(text) for text in texts), None]


def test_folding_the_case_makes_no_text_shorter() -> None:
    assert min(len(chr(code).casefold()) for code in range(sys.maxunicode + 1)) == 1


@pytest.mark.parametrize("name", ["borrower_name", "id_no", "application_id", "permit_no", "kind"])
@given(texts=TEXTS)
@example(texts=["D999999S2026-0001"] * 300 + ["\u200b"])
def test_texts_checked_together_break_the_rules_each_breaks_alone(name: str, texts: list[str]) -> None:
    field = BY_NAME[name]
    alone = {text: rule for text in texts if (rule := text_rule(field, text)) is not None}
    assert text_rules(field, texts) == alone


KEYS = st.lists(st.one_of(st.none(), st.sampled_from("abcdef")), max_size=40)


@given(keys=KEYS, block=st.integers(1, 9))
def test_stretches_are_those_of_the_whole_stream_and_hashes_name_the_keys_that_come_back(
    keys: list[str | None], block: int
) -> None:
    blocks = [np.array(keys[at : at + block], dtype=object) for at in range(0, len(keys), block)]
    found = [(key, int(rows)) for names, lengths in stretches(blocks) for key, rows in zip(names, lengths, strict=True)]
    runs = [(key, list(rows)) for key, rows in groupby(keys)]
    expected = [(key, n) for key, rows in runs for n in ([1] * len(rows) if key is None else [len(rows)])]
    assert found == expected
    hashes, named = Hashes(), [key for key, _ in found if key is not None]
    hashes.add(np.array(named, dtype=object))
    assert hashes.repeated() == {hash(key) for key, count in Counter(named).items() if count > 1}


def test_many_keys_go_to_disk_and_are_compared_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.batch.runs._IN_MEMORY", 64)
    hashes = Hashes()
    for start in (0, 1000, 1990):
        hashes.add(np.array([f"k{i}" for i in range(start, start + 1000)], dtype=object))
    assert hashes.repeated() == {hash(f"k{i}") for i in range(1990, 2000)}


def test_blank_columns_cost_one_value_and_stay_blank_when_blocks_are_cut_and_joined() -> None:
    field = BY_NAME["area"]
    whole = Chunk(np.arange(6), {"application_id": np.array(list("aabbcc"), object), "area": unknown(field, 6)})
    back = join([whole.part(0, 2), whole.part(2, 6)])
    assert is_unknown(back.columns["area"]) and np.isnan(back.columns["area"]).all() and len(back) == 6
    assert list(back.told()) == ["application_id"]
    other = Chunk(np.arange(1), {"application_id": np.array(["d"], object), "area": np.ones(1)})
    packed = pickle.dumps(Chunk(np.arange(9_000), {"area": unknown(field, 9_000)}), protocol=5)
    away = pickle.loads(packed)
    assert is_unknown(away.columns["area"]) and len(away.columns["area"]) == 9_000 and len(packed) < 9_000 * 8 + 1_000
    assert not is_unknown(pickle.loads(pickle.dumps(other)).columns["area"])
    mixed = join([whole.part(0, 2), other])
    assert mixed.columns["area"].tolist()[2] == 1.0 and np.isnan(mixed.columns["area"][:2]).all()


@settings(deadline=None, max_examples=10)
@given(groups=st.integers(1, 30), dictionary=st.booleans(), stamps=st.booleans())
def test_a_parquet_file_reads_the_same_however_it_is_laid_out(
    tmp_path_factory: pytest.TempPathFactory, groups: int, dictionary: bool, stamps: bool
) -> None:
    folder: Path = tmp_path_factory.mktemp("layout")
    rows = flat(24)
    lines = list(zip(*cells(rows), strict=True))
    arrays = {name: pa.array(column) for name, column in zip(rows, lines, strict=True)}
    if stamps:
        days = [name for name in arrays if pa.types.is_date(arrays[name].type)]
        arrays |= {name: arrays[name].cast(pa.timestamp("ms")) for name in days}
    arrays["gep_carbon_cny"] = pa.nulls(len(lines[0]), pa.float64())
    pq.write_table(pa.table(arrays), folder / "a.parquet", row_group_size=groups, use_dictionary=dictionary)
    other = write_csv(folder / "b.csv", list(rows), cells(rows))
    found, expected = (join(list(opened(path).blocks())) for path in (folder / "a.parquet", other))
    assert not found.broken and not expected.broken
    for name in rows.keys() - {"gep_carbon_cny"}:
        np.testing.assert_array_equal(found.columns[name], expected.columns[name])
    assert is_unknown(found.columns["gep_carbon_cny"])
