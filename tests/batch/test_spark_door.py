"""Spark gives the numbers of the local engine to the last bit, and one row for every row."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_rows import StandIn, flat, write_parquet
from small_store import add_model

from eco_credit.contracts import contract
from eco_credit.core.errors import ContractError, ModelNotServable
from eco_credit.core.numbers import Columns
from serving.batch import Limits, Options, run_batch
from serving.batch.chunk import Chunk
from serving.batch.scorer import ServedScorer
from serving.batch.spark import SparkTask, spark_score, whole_applications
from serving.batch.witness import witness
from serving.batch.work import Task

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A Spark of two threads on this machine, whose Python workers run this tree."""
    sql = pytest.importorskip("pyspark.sql", reason="needs the extra spark")
    if shutil.which("java") is None:
        pytest.skip("needs java")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "3",
        "spark.driver.memory": "1g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.executorEnv.PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "batch")]),
        "spark.sql.execution.arrow.maxRecordsPerBatch": "5",
    }
    builder = sql.SparkSession.builder.master("local[2]").appName("test")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_model(tmp_path_factory.mktemp("home")).home


def numbered(path: Path, columns: Columns) -> Path:
    """Rows as parquet with their numbers, in an order that is not that of the applications."""
    write_parquet(path, columns)
    table = pq.read_table(path)
    table = table.append_column("row", pa.array(range(1, table.num_rows + 1), pa.int64()))
    mixed = path.with_name("mixed.parquet")
    pq.write_table(table.take(np.random.default_rng(7).permutation(table.num_rows)), mixed)
    return mixed


def bits(table: pa.Table) -> list[list[Any]]:
    """Cells by row, floats as their exact text."""
    lines = table.sort_by("row").to_pylist()
    return [[v.hex() if isinstance(v, float) else v for v in line.values()] for line in lines]


def test_spark_gives_the_local_numbers_to_the_last_bit(spark: Any, home: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.parquet"
    mixed = numbered(source, flat(40))  # 40 + 10 second pledges
    run_batch(source, tmp_path / "here.parquet", scorer=ServedScorer(home), options=Options(Limits(chunk_rows=11)))
    here = pq.read_table(tmp_path / "here.parquet")
    frame = spark_score(spark.read.parquet(str(mixed)), store=home, limits=Limits(chunk_rows=4))
    there = frame.toArrow()
    assert there.num_rows == here.num_rows == 50
    assert there.column_names == [*here.column_names, "broken"]
    assert there["broken"].null_count == 50
    assert bits(there.drop_columns(["broken"])) == bits(here)


def test_rows_that_break_a_rule_come_back_with_it_and_the_others_are_scored(
    spark: Any, home: Path, tmp_path: Path
) -> None:
    columns = flat(8)
    columns["term_months"][4] = 999.0  # the second pledge of A000003; the contract allows 360
    source = tmp_path / "a.parquet"
    mixed = numbered(source, columns)
    run_batch(source, tmp_path / "here.parquet", scorer=ServedScorer(home))
    rejects: dict[int, set[str]] = {}
    for line in pq.read_table(tmp_path / "here.rejects.parquet").to_pylist():
        rejects.setdefault(line["row"], set()).add(f"{line['field']}:{line['rule']}")
    there = spark_score(spark.read.parquet(str(mixed)), store=home).toArrow().to_pylist()
    assert {line["row"]: set(line["broken"].split(" ")) for line in there if line["broken"]} == rejects
    assert set(rejects) == {4, 5} and len(there) == 10
    assert all((line["pd"] is None) for line in there if line["broken"])


def test_a_frame_without_a_required_column_is_refused_before_spark_runs(spark: Any, home: Path, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", flat(3))
    with pytest.raises(ContractError, match="term_months"):
        spark_score(spark.read.parquet(str(source)).drop("term_months"), store=home)


def test_an_alias_names_the_package_that_scores(spark: Any, home: Path, tmp_path: Path) -> None:
    add_model(home, 2, base=0.5, alias="challenger")
    frame = spark.read.parquet(str(write_parquet(tmp_path / "a.parquet", flat(3))))
    one, two = (spark_score(frame, store=home, alias=alias).toArrow() for alias in ("champion", "challenger"))
    assert sorted(one["pd"].to_pylist()) != sorted(two["pd"].to_pylist())
    assert "row" not in one.column_names


def test_an_executor_that_computes_with_something_else_refuses_before_its_first_row() -> None:
    task = Task(contract("batch_input"), StandIn(), (), ())
    other = SparkTask(task, pa.schema([]), Limits(), {**witness(), "numpy": "1.0"})
    with pytest.raises(ModelNotServable, match="differs from the driver in numpy"):
        next(other(iter([])))


@pytest.mark.parametrize("block", [1, 2, 3, 10])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_chunks_of_blocks_cut_no_application_and_lose_no_row(block: int, size: int) -> None:
    keys = np.array(["a", "a", "b", "c", "c", "c", "d", "e", "e", "f"], dtype=object)
    whole = Chunk(np.arange(10), {"application_id": keys})
    cut = list(whole_applications((whole.part(at, at + block) for at in range(0, 10, block)), size))
    assert np.concatenate([chunk.rows for chunk in cut]).tolist() == list(range(10))
    seen = [set(chunk.columns["application_id"]) for chunk in cut]
    assert sum(len(names) for names in seen) == len(set(keys))
