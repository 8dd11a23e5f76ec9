"""Pandera schemas generated from contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eco_credit.contracts.checks import broken
from eco_credit.contracts.columns import blank_column, text_rule
from eco_credit.contracts.field import Contract, Field
from eco_credit.contracts.frames import FRAME_TYPES, columns_of_frame

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa


def pandera_schema(source: Contract) -> pa.DataFrameSchema:
    """The schema of a data frame in the types of `eco_credit.contracts.frames.FRAME_TYPES`.

    Raises:
        ValueError: the contract has lists or nested records.
    """
    import pandera.pandas as pa

    if not source.plain:
        raise ValueError(f"{source.name} is not a flat table")
    columns = {
        field.column: pa.Column(FRAME_TYPES[field.type], _checks(field), nullable=not field.required,
                                required=field.required)
        for field in source.fields
    }
    rows = pa.Check(lambda frame: _rows_kept(source, frame), name="rules between fields")
    return pa.DataFrameSchema(columns, checks=[rows] if source.checks else [], strict=True, name=source.name)


def _checks(field: Field) -> list[Any]:
    import pandera.pandas as pa

    if field.type == "text":
        return [pa.Check.isin(field.codes)] if field.codes is not None else [
            pa.Check(lambda v: text_rule(field, v) is None if isinstance(v, str) else False, element_wise=True)]
    if field.type == "date":
        return [pa.Check.in_range(np.datetime64("1900-01-01"), np.datetime64("2199-12-31"))]
    limits = ((pa.Check.ge, field.minimum), (pa.Check.gt, field.exclusive_minimum), (pa.Check.le, field.maximum))
    return [check(limit) for check, limit in limits if limit is not None]


def _rows_kept(source: Contract, frame: pd.DataFrame) -> pd.Series[bool]:
    import pandas as pd

    blank = {field.column: blank_column(field, len(frame)) for field in source.fields}
    table = blank | columns_of_frame(source, frame)
    found = [mask for check in source.checks for mask, _, _ in broken(check, table, source.fields)]
    return pd.Series(~np.any([np.zeros(len(frame), dtype=bool), *found], axis=0), index=frame.index)
