"""Tables of tax invoices: the columns they must have, and the readers of known exports.

One row per invoice. A negative amount is a red-letter invoice: a return or an allowance. Off the scoring path.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from eco_credit.core.errors import ContractError, Violation

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["sale", "purchase"]

COLUMNS = ("entity", "counterparty", "issued_on", "net", "tax", "status", "kind")
"""Firm, other side, day, amount without tax (CNY), tax (CNY), ``valid`` or ``void``, ``sale`` or ``purchase``."""
STATUSES = ("valid", "void")
_REPEATED = ("entity", "counterparty", "issued_on", "net", "tax", "status", "invoice_no")
_CUMCM = {
    "企业代号": "entity", "开票日期": "issued_on", "金额": "net", "税额": "tax", "发票状态": "status",
    "发票号码": "invoice_no",
}
_CUMCM_STATUS = {"有效发票": "valid", "作废发票": "void", "有效": "valid", "作废": "void"}


def checked(table: pd.DataFrame, *, kind: Kind) -> pd.DataFrame:
    """Hold a table of invoices to its columns.

    Args:
        table: columns of `COLUMNS`; ``invoice_no`` (text) may come with them, others are left out.
        kind: what every row must be.

    Returns:
        A new frame with a fresh index: texts without blanks around them, days as ``datetime64``, amounts as
        float64. Where ``invoice_no`` is given, a row that repeats another in every column is kept once: exports
        joined from several pages carry such rows, and they would double the sales.

    Raises:
        ContractError: per column, ``missing_column``, ``blank``, ``not_a_number``, ``not_finite``, ``not_a_date``,
            ``unknown_status`` or ``wrong_kind``, with the first row that breaks it and how many do.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise ContractError(
            Violation(f"{kind}s.{name}", "missing_column", "the invoice table needs this column", "发票表缺少该列")
            for name in missing
        )
    wanted = [*COLUMNS, *(["invoice_no"] if "invoice_no" in table.columns else [])]
    found, broken = table.loc[:, wanted].reset_index(drop=True), list[Violation]()
    for name in ("entity", "counterparty"):
        found[name] = _text(found[name], f"{kind}s.{name}", broken)
    for name in ("net", "tax"):
        found[name] = _amount(found[name], f"{kind}s.{name}", broken)
    found["issued_on"] = _day(found["issued_on"], f"{kind}s.issued_on", broken)
    for name, rule, allowed in (("status", "unknown_status", STATUSES), ("kind", "wrong_kind", (kind,))):
        found[name] = found[name].astype("string").str.strip()
        _refuse(~found[name].isin(allowed), f"{kind}s.{name}", rule, broken)
    if broken:
        raise ContractError(broken)
    repeated = [name for name in _REPEATED if name in found.columns]
    return found.drop_duplicates(repeated, ignore_index=True) if "invoice_no" in repeated else found


_SAYS = {
    "blank": ("is blank", "为空"),
    "not_a_number": ("is not a number", "不是数字"),
    "not_finite": ("is not a finite number", "不是有限数"),
    "not_a_date": ("write a day as yyyy-mm-dd", "应为 yyyy-mm-dd 日期"),
    "unknown_status": ("use valid or void", "应为 valid(有效) 或 void(作废)"),
    "wrong_kind": ("sales and purchases come in tables of their own", "销项与进项须分表"),
}


def _refuse(bad: pd.Series[bool], field: str, rule: str, broken: list[Violation]) -> None:
    rows = np.flatnonzero(bad.fillna(value=True).to_numpy(dtype=bool))
    if len(rows):
        en, zh = _SAYS[rule]
        more = len(rows) - 1
        broken.append(Violation(
            field, rule, f"{en} (row {rows[0] + 1}" + (f" and {more} more)" if more else ")"),
            f"{zh}(第 {rows[0] + 1} 行" + (f",另有 {more} 行)" if more else ")"), int(rows[0]) + 1))


def _text(column: pd.Series[str], field: str, broken: list[Violation]) -> pd.Series[str]:
    text = column.astype("string").str.strip()
    _refuse(text.isna() | (text == ""), field, "blank", broken)
    return text


def _amount(column: pd.Series[float], field: str, broken: list[Violation]) -> pd.Series[float]:
    import pandas as pd

    amount = pd.to_numeric(column, errors="coerce").astype("float64")
    _refuse(amount.isna(), field, "not_a_number", broken)
    _refuse(amount.abs() == np.inf, field, "not_finite", broken)
    return amount


def _day(column: pd.Series[pd.Timestamp], field: str, broken: list[Violation]) -> pd.Series[pd.Timestamp]:
    import pandas as pd

    # a bare number would be read as nanoseconds since 1970: a spreadsheet's serial day must not pass for a date
    plain = column.map(lambda cell: isinstance(cell, int | float | np.number)).to_numpy(dtype=bool)
    day = pd.to_datetime(column.where(~plain), errors="coerce").dt.normalize()
    _refuse(day.isna(), field, "not_a_date", broken)
    return day


def read_cumcm(folder: str | Path, *, labelled: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the invoices of CUMCM 2020 problem C, as split into parquet files, into the standard columns.

    The status has stray blanks in front and is trimmed; the rating and the label are not read.

    Args:
        folder: holds ``labelled_output_invoices.parquet`` and its three companions.
        labelled: the 123 firms with a credit record, or the 302 without.

    Returns:
        Sales and purchases, not yet checked (see `checked`).

    Raises:
        ContractError: ``missing_file``.
    """
    prefix = "labelled" if labelled else "unlabelled"
    sales = _cumcm(Path(folder) / f"{prefix}_output_invoices.parquet", "购方单位代号", "sale")
    return sales, _cumcm(Path(folder) / f"{prefix}_input_invoices.parquet", "销方单位代号", "purchase")


def _cumcm(path: Path, counterparty: str, kind: Kind) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        raise ContractError([Violation(path.name, "missing_file", "the folder lacks this file", "文件夹缺少该文件")])
    table = pd.read_parquet(path).rename(columns=_CUMCM | {counterparty: "counterparty"})
    status = table["status"].astype("string").str.strip()
    table["status"] = status.map(_CUMCM_STATUS).fillna(status)
    return table.assign(kind=kind)[[*COLUMNS, "invoice_no"]]
