"""Spark as a second door: the rows of a Spark frame scored by the work that batch files get, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from eco_credit.contracts import contract
from eco_credit.core.errors import ContractError, ModelNotServable
from eco_credit.registry import Store
from eco_credit.registry.store import CHAMPION
from eco_credit.scoring.doors import DEFAULT_MODEL
from serving.batch.chunk import KEY, Chunk, join, starts
from serving.batch.layout import Layout, Vocabulary
from serving.batch.notices import Notices
from serving.batch.output import arrow_table
from serving.batch.parquet import arrow_chunk, schema_layout
from serving.batch.rules import violation
from serving.batch.run import ECHO, loan_columns
from serving.batch.scorer import ServedScorer
from serving.batch.settings import Limits
from serving.batch.witness import differing, witness
from serving.batch.work import Done, Task, work

ROW, BROKEN = "row", "broken"
"""Optional input column with the number of each row; result column with the rules a row breaks."""
_ORDER = (KEY, ROW, "pledge_id")


@dataclass(frozen=True)
class SparkTask:
    """What every executor gets: plain data and paths.

    Attributes:
        task: what all chunks share.
        schema: columns of the result.
        limits: sizes.
        own: what the driver computes with.
    """

    task: Task
    schema: pa.Schema
    limits: Limits
    own: dict[str, str]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score one partition; rows of an application stand together in it.

        Raises:
            ModelNotServable: this executor computes with other code, versions or model than the driver.
        """
        names = differing(self.own, witness())
        if names:
            listed = ", ".join(names)
            raise ModelNotServable(
                f"this executor differs from the driver in {listed}", f"该执行进程的 {listed} 与驱动端不一致"
            )
        for chunk in whole_applications(_chunks(batches, self.limits), self.limits.chunk_rows):
            done = work(chunk, replace(self.task, oversized=_oversized(chunk, self.limits)))
            yield from _answer(chunk, done, self.schema).to_batches()


def spark_score(
    frame: Any,
    *,
    store: Path | None = None,
    name: str = DEFAULT_MODEL,
    alias: str = CHAMPION,
    scorer: ServedScorer | None = None,
    limits: Limits | None = None,
) -> Any:
    """Score a Spark frame of the contract ``batch_input`` with the package a store serves.

    Rows that share ``application_id`` are brought together by a shuffle and put in the order of ``row`` where the
    frame has that column, else of ``pledge_id``. Nothing is computed until Spark is asked for the result.

    Args:
        frame: a Spark data frame in stored units, one row per pledge; columns the contract does not know are ignored,
            an optional whole number ``row`` comes back in the result.
        store: store folder, at the same place on every executor; None is the default store.
        name: registered model name.
        alias: ``champion``, ``challenger`` or ``shadow``.
        scorer: rules, reasons and book other than the defaults; it replaces store, name and alias.
        limits: sizes; they change no number.

    Returns:
        A Spark data frame with one row per input row: the columns of a batch result, and ``broken``: field and rule of
        what kept the row from being scored, ``field:rule`` joined by blanks, null for a scored row.

    Raises:
        ContractError: a required column is missing.
        ModelNotServable: no approved model can be served; raised on an executor when it differs from the driver.
    """
    chosen, sizes = scorer or ServedScorer(home=store, model=name, alias=alias), limits or Limits()
    chosen = replace(chosen, home=chosen.home or Store.default().home)  # an executor's own default may be another
    _ = chosen.identity  # reads the digest that executors must find
    fields = {field.column: field for field in contract("batch_input").fields}
    missing = [one.column for one in fields.values() if one.required and one.column not in frame.columns]
    if missing:
        raise ContractError([violation(column, "missing_column") for column in missing])
    known = [column for column in frame.columns if column in fields or column == ROW]
    task = Task(contract("batch_input"), chosen, ECHO, loan_columns())
    schema = result_schema(chosen, known)
    grouped = frame.select(*known).repartition(KEY).sortWithinPartitions(*[c for c in _ORDER if c in known])
    from pyspark.sql.pandas.types import from_arrow_schema

    return grouped.mapInArrow(SparkTask(task, schema, sizes, witness()), from_arrow_schema(schema))


def result_schema(scorer: Callable[..., Any], columns: Iterable[str]) -> pa.Schema:
    """Columns of the result, read off one scored example of the contract.

    Args:
        scorer: the scorer.
        columns: input columns that are there.
    """
    from eco_credit.contracts import example_application, read_application, to_flat

    given = set(columns)
    flat = to_flat([read_application(example_application("forest_right"))])
    task = Task(contract("batch_input"), scorer, tuple(c for c in ECHO if c in given), loan_columns())
    rows = np.arange(len(flat[KEY]), dtype=np.int64)
    schema = arrow_table(work(Chunk(rows, flat), task).result).schema
    listed = [field for field in schema if field.name != ROW or ROW in given]
    return pa.schema([*listed, pa.field(BROKEN, pa.string())])


def whole_applications(blocks: Iterable[Chunk], size: int) -> Iterator[Chunk]:
    """Join blocks to chunks of about ``size`` rows; the last application of a block waits for the next block."""
    held: list[Chunk] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) < size:
            continue
        joined = join(held)
        cut = int(np.flatnonzero(starts(joined.columns[KEY].astype(object)))[-1])
        if cut:
            yield joined.part(0, cut)
        held = [joined.part(cut, len(joined))]
    if held:
        yield join(held)


def _chunks(batches: Iterable[pa.RecordBatch], limits: Limits) -> Iterator[Chunk]:
    """Arrow batches as chunks; rows are numbered by ``row``, else in the order they come."""
    layout: Layout | None = None
    first = 1
    for batch in batches:
        if batch.num_rows == 0:
            continue
        layout = layout or schema_layout(batch.schema, Vocabulary.of(contract("batch_input").fields), limits)
        rows = batch.column(ROW).to_numpy(zero_copy_only=False).astype(np.int64) if ROW in batch.schema.names else None
        chunk = arrow_chunk(batch, layout.fields, np.arange(first, first + batch.num_rows) if rows is None else rows)
        yield Notices(contract("batch_input").fields, ()).settled(chunk)
        first += batch.num_rows


def _oversized(chunk: Chunk, limits: Limits) -> frozenset[str]:
    """Keys of applications with too many rows; a chunk holds whole applications."""
    keys = chunk.columns[KEY].astype(object)
    begin = np.flatnonzero(starts(keys))
    sizes = np.diff(np.append(begin, len(keys)))
    return frozenset(keys[begin[sizes > limits.rows_per_application]].tolist())


def _answer(chunk: Chunk, done: Done, schema: pa.Schema) -> pa.Table:
    """One row per input row: results in place, and what was rejected with its rules."""
    rules: dict[int, list[str]] = {}
    for line in done.rejects.select(["row", "field", "rule"]).to_pylist():
        rules.setdefault(line["row"], []).append(f"{line['field']}:{line['rule']}")
    lost = [int(at) for at, row in enumerate(chunk.rows) if int(row) in rules]
    kept = arrow_table(done.result) if done.good else pa.table({})
    away = pa.table(
        {
            ROW: pa.array([int(chunk.rows[at]) for at in lost], pa.int64()),
            KEY: pa.array([chunk.columns[KEY][at] for at in lost], pa.string()),
            "pledge_id": pa.array([chunk.columns["pledge_id"][at] for at in lost], pa.string()),
            BROKEN: pa.array([" ".join(rules[int(chunk.rows[at])]) for at in lost], pa.string()),
        }
    )
    return pa.concat_tables([_shaped(part, schema) for part in (kept, away) if part.num_rows] or [schema.empty_table()])


def _shaped(part: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of the schema, null where the part has none."""
    have = set(part.column_names)
    columns = [part[f.name].cast(f.type) if f.name in have else pa.nulls(part.num_rows, f.type) for f in schema]
    return pa.table(columns, schema=schema)
