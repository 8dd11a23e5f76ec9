"""The account: a ledger of the flows of one area and one year under one named norm."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Columns, text
from eco_credit.gep import double_counting
from eco_credit.gep.flow import LeftOut, Notice, ServiceFlow
from eco_credit.gep.netting import netted, netting_notices
from eco_credit.gep.norms import Norm, about, norm_of
from eco_credit.gep.reading import read_table
from eco_credit.gep.service import GROUPS
from eco_credit.gep.services import services
from eco_credit.gep.valuing import Valued, value_rows
from eco_credit.rulebook import RuleSet, load

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class GepAccount:
    """Gross ecosystem product of one area and year under one norm. It is not a collateral value.

    Attributes:
        norm: id of the norm.
        edition: edition of the norm.
        year: year of the flows, or None when no row says it.
        price_year: year whose prices are used, or None.
        price_kind: ``current`` or ``constant``, or None.
        area_code: code of the area, or None.
        area_name: name of the area, or None.
        rows: the flows in the order of the table.
        left_out: rows kept and not counted, with the reason.
        warnings: notices.
        rules_day: day the rulebook was read for, ISO.
        rules_hash: digest of the rules.
    """

    norm: str
    edition: str
    year: int | None
    price_year: int | None
    price_kind: str | None
    area_code: str | None
    area_name: str | None
    rows: tuple[ServiceFlow, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[Notice, ...]
    rules_day: str
    rules_hash: str

    @property
    def total(self) -> float:
        """GEP, CNY per year: exact sum of the counted rows, whatever their order."""
        return math.fsum(row.value_cny for row in self.rows if row.counted)

    def by_service(self) -> dict[str, float]:
        """CNY per year of each service that has a counted row, in the order of the service list."""
        return self._sums([*services()], lambda row: row.service)

    def by_group(self) -> dict[str, float]:
        """CNY per year of provisioning, regulating and cultural services with a counted row."""
        return self._sums([*GROUPS], lambda row: services()[row.service].group)

    def _sums(self, keys: Sequence[str], key_of: Callable[[ServiceFlow], str]) -> dict[str, float]:
        parts: dict[str, list[float]] = {}
        for row in self.rows:
            if row.counted:
                parts.setdefault(key_of(row), []).append(row.value_cny)
        return {key: math.fsum(parts[key]) for key in keys if key in parts}

    def __add__(self, other: GepAccount) -> GepAccount:
        """Join the accounts of two disjoint areas; see `combine`."""
        return combine(self, other)

    def head(self) -> dict[str, Any]:
        """What all rows share, in the names of the contract ``gep_account``."""
        return {
            "norm": self.norm, "edition": self.edition, "account_year": self.year, "price_year": self.price_year,
            "price_kind": self.price_kind, "area_code": self.area_code, "area_name": self.area_name,
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain data: head, totals, rows, what is left out, warnings."""
        return {
            **self.head(), "currency": "CNY", "total_cny": self.total, "by_group": self.by_group(),
            "by_service": self.by_service(),
            "rows": [asdict(row) for row in self.rows], "left_out": [asdict(row) for row in self.left_out],
            "warnings": [asdict(notice) for notice in self.warnings],
            "rules_day": self.rules_day, "rules_hash": self.rules_hash,
        }

    def to_frame(self) -> pd.DataFrame:
        """The rows as a pandas DataFrame, with norm, edition, year and price kind on each."""
        import pandas as pd  # not before a frame is asked for

        return pd.DataFrame([self.head() | asdict(row) for row in self.rows])


def account(
    table: Any, norm: str = "norm-2022", *, year: int | None = None, rules: RuleSet | None = None
) -> GepAccount:
    """Account for the ecosystem products of one area and year.

    Args:
        table: pandas DataFrame, list of dicts or columns. Each row has ``service`` and either ``value``
            with ``value_unit`` (or ``value_cny``), or ``physical`` with ``physical_unit`` and ``price``
            with ``price_unit``, or the inputs of the service (`eco_credit.gep.services`). ``item``,
            ``place``, ``account_year``, ``price_kind``, ``method``, ``source``, ``low``, ``high`` and
            the other columns of the contract ``gep_account`` are optional.
        norm: id of the norm (`eco_credit.gep.norms.norms`).
        year: year of the flows, when the rows do not say it.
        rules: the rulebook of a day; today's when left out.

    Returns:
        The account. Services the norm does not count stay in it with ``counted=False``.

    Raises:
        ContractError: every refused row with field, rule and a sentence on what is wrong or counted twice.

    Example:
        >>> made = account([{"service": "water_retention", "physical": 2.0, "physical_unit": "1e4 m3",
        ...                  "price": 6.0, "price_unit": "CNY/m3"}])
        >>> made.total
        120000.0
    """
    book = rules if rules is not None else load().at(dt.date.today())
    chosen = norm_of(norm)
    rows = netted(read_table(table), chosen)
    head = _head(rows, year, norm)
    twice = double_counting.refusals(rows, chosen, book)
    valued = _valued(rows, book, [finding.notice().violation() for finding in twice])
    counted, left_out = _counted(valued, chosen)
    found = double_counting.warnings(valued, chosen, book, counted=counted)
    present = list(dict.fromkeys(text(valued.columns, "service")))
    notices = [*valued.notices, *(finding.notice() for finding in found), *about(chosen, present)]
    flows = _flows(valued, counted, chosen)
    notices += netting_notices(flows, chosen)
    return GepAccount(
        norm=chosen.id, edition=chosen.edition, rows=flows, left_out=left_out,
        warnings=tuple(notices), rules_day=str(book.day), rules_hash=book.digest, **head,
    )


def _valued(rows: Columns, rules: RuleSet, refused: list[Violation]) -> Valued:
    """Value the rows; refusals of the guard and of the rows are shown together."""
    try:
        valued = value_rows(rows, services(), rules)
    except ContractError as error:
        raise ContractError([*refused, *error.violations]) from None
    if refused:
        raise ContractError(refused)
    return valued


def _head(rows: Columns, year: int | None, norm: str) -> dict[str, Any]:
    """What all rows share: norm, year, kind of price, area. Rows that differ are refused."""
    names = {"account_year": "year", "price_year": "price_year", "price_kind": "price_kind",
             "area_code": "area_code", "area_name": "area_name"}
    found = {name: {cell for cell in rows[column].tolist() if cell is not None and cell == cell}
             for column, name in names.items()}
    found["year"] |= {year} if year is not None else set()
    refused = [Violation(name, f"{name}_differs", f"an account has one {name.replace('_', ' ')}",
                         "一个账户只对应一个区域、一个年度和一种价格口径")
               for name, cells in found.items() if len(cells) > 1]
    if set(text(rows, "norm")) - {None, norm}:
        refused.append(Violation("norm", "norm_differs", "the rows were accounted under another norm",
                                 "表中各行采用了另一核算规范"))
    if refused:
        raise ContractError(refused)
    shared = {name: next(iter(cells), None) for name, cells in found.items()}
    return {name: int(cell) if isinstance(cell, float) else cell for name, cell in shared.items()}


def _reason(code: str, named: str | None, norm: Norm) -> tuple[str, str] | None:
    """Why a service and item are not counted, in English and Chinese; None when they are."""
    service = services()[code]
    if norm.treats(service.code).counts == "left_out":
        return f"{norm.id} does not count {service.en}", f"{norm.zh}不计{service.zh}"
    item = service.item(named)
    if item is not None and not item.exchange and norm.exchange_value:
        return f"{item.en} is welfare and not an exchange value", f"{item.zh}不是交换价值"
    return None


def _counted(valued: Valued, norm: Norm) -> tuple[Bools, tuple[LeftOut, ...]]:
    columns = valued.columns
    pairs = list(zip(columns["service"].tolist(), columns["item"].tolist(), strict=True))
    why = {pair: _reason(*pair, norm) for pair in dict.fromkeys(pairs)}
    left_out = tuple(
        LeftOut(columns["place"][i], *pair, float(valued.value[i]), *reason)
        for i, pair in enumerate(pairs) if (reason := why[pair]) is not None
    )
    return np.array([why[pair] is None for pair in pairs], np.bool_), left_out


def _flows(valued: Valued, counted: Bools, norm: Norm) -> tuple[ServiceFlow, ...]:
    """One flow a row, in the order of the fields of `ServiceFlow`."""
    columns = valued.columns
    codes = columns["service"].tolist()
    named = {code: norm.treats(code).method for code in dict.fromkeys(codes)}
    methods = [own or named[code] for own, code in zip(columns["method"].tolist(), codes, strict=True)]
    by = zip(columns["source"].tolist(), valued.by.tolist(), valued.computed.tolist(), strict=True)
    sources = [own or (f"computed: {name}" if name else "rulebook price" if done else "stated")
               for own, name, done in by]
    return tuple(map(
        ServiceFlow, columns["place"].tolist(), codes, columns["item"].tolist(), _or_none(columns["physical"]),
        columns["physical_unit"].tolist(), _or_none(columns["price"]), columns["price_unit"].tolist(),
        valued.value.tolist(), valued.low.tolist(), valued.high.tolist(), methods, sources, counted.tolist(),
    ))


def _or_none(values: Any) -> list[float | None]:
    """Plain numbers, None for unknown."""
    return [None if value != value else value for value in values.tolist()]


def combine(first: GepAccount, second: GepAccount) -> GepAccount:
    """Join the accounts of two disjoint areas of one year; rows without a place take their area's name.

    Raises:
        ContractError: ``vep_not_additive``; ``norms_differ``, ``year_differs``, ``price_kind_differs``,
            ``price_year_differs`` or ``rules_differ`` when the totals are not comparable;
            ``duplicate_row`` when a place, service and item stands in both.
    """
    if not isinstance(second, GepAccount):
        raise ContractError([Violation("vep", "vep_not_additive", "a project value is not part of a GEP",
                                       "特定地域单元价值不计入生态产品总值")])
    names = {"norm": "norms_differ", "edition": "norms_differ", "year": "year_differs",
             "price_kind": "price_kind_differs", "price_year": "price_year_differs", "rules_hash": "rules_differ"}
    unlike = [Violation(name, rule, "totals of these two accounts cannot be added up", "两个账户的总值不能相加")
              for name, rule in names.items() if getattr(first, name) != getattr(second, name)]
    same_area = (first.area_code, first.area_name) == (second.area_code, second.area_name)
    one, two = (first, second) if same_area else (_placed(first), _placed(second))
    if {(r.place, r.service, r.item) for r in one.rows} & {(r.place, r.service, r.item) for r in two.rows}:
        unlike.append(double_counting.Finding("duplicate_row").notice().violation())
    if unlike:
        raise ContractError(unlike)
    moved = [replace(notice, rows=tuple(row + len(one.rows) for row in notice.rows)) for notice in two.warnings]
    return replace(
        one, rows=one.rows + two.rows, left_out=one.left_out + two.left_out,
        warnings=tuple(dict.fromkeys([*one.warnings, *moved])),
        area_code=one.area_code if same_area else None, area_name=one.area_name if same_area else None,
    )


def _placed(account: GepAccount) -> GepAccount:
    """The account with the area's name as the place of rows that have none."""
    area = account.area_name or account.area_code
    return replace(
        account,
        rows=tuple(replace(row, place=row.place or area) for row in account.rows),
        left_out=tuple(replace(row, place=row.place or area) for row in account.left_out),
    )
