"""The account report: one gross ecosystem product account as a page to print, in Chinese or English.

Totals and chart stand on the first page, every row of the account behind them. Nothing here adds up
anew but groups of rows the account already holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from eco_credit.contracts.lists import code_list
from eco_credit.gep.norms import Norm, norm_of
from eco_credit.gep.service import GROUPS
from eco_credit.gep.services import services
from eco_credit.reports.formats import UNKNOWN, brief, day, number, percent
from eco_credit.reports.gep_report_chart import GROUP_COLOURS, ServiceBar, service_chart
from eco_credit.reports.page import LANGUAGE_TAGS, Translate, environment, translator

Row = Mapping[str, Any]
LARGE = 1_000_000_000.0
"""From this total on (CNY per year) money is shown in 亿元 or million CNY."""
MOST_ROWS = 200
"""Most rows printed; a longer account shows its sums and names the number of rows."""
MOST_NUMBERS = 12
"""Most row numbers named behind a warning."""
MOST_SOURCES = 30
"""Most sources listed."""
MOST_DECIDING = 4
"""Parameters named as deciding the total."""
ONE_PAGE_ROWS = 8
"""Most rows that stand below the result on its page; more begin a page of their own."""
_UNIT_WORDS = {
    "1e8 ": ("亿", "×10⁸ "), "1e6 ": ("百万", "×10⁶ "), "1e4 ": ("万", "×10⁴ "), "1e3 ": ("千", "×10³ "),
    "CNY": ("元", "CNY"), "CO2": ("CO₂", "CO₂"), "hm2": ("hm²", "hm²"), "km2": ("km²", "km²"), "m2": ("m²", "m²"),
    "m3": ("m³", "m³"),
}
"""Parts of a unit in words of zh and en."""
_SYNTHETIC = re.compile(r"\bsynthetic\b|合成数据|模拟数据", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MoneyUnit:
    """A unit money is shown in: yuan in one of it, the key of its name, and the decimals shown."""

    yuan: float
    key: str
    places: int = 2

    def shown(self, yuan: float | None) -> str:
        """An amount in this unit; a dash when it is unknown."""
        return UNKNOWN if yuan is None else number(yuan / self.yuan, self.places)

    def span(self, low: float, high: float) -> str:
        """A range in this unit."""
        return f"{self.shown(low)} – {self.shown(high)}"


@dataclass(frozen=True, slots=True)
class _View:
    """What every part of the page needs: the account, its norm, the language and the unit of money."""

    account: Mapping[str, Any]
    norm: Norm
    lang: str
    t: Translate
    unit: MoneyUnit

    def service(self, code: str) -> str:
        """Name of a service, from the code list of the contract; services added from outside name themselves."""
        known = code_list("gep_service").texts.get(code)
        name = known[self.lang] if known else str(getattr(services()[code], self.lang))
        return name[:1].upper() + name[1:]

    def item(self, row: Row) -> str | None:
        """Name of the item of a row, as the service or the row names it."""
        found = services()[row["service"]].item(row["item"]) if row["item"] else None
        if found is None:
            return str(row["item"]) if row["item"] else None
        return found.zh if self.lang == "zh" else found.en

    def method(self, row: Row) -> str:
        """Valuation method of a row in words."""
        treated = self.norm.treats(row["service"])
        if self.lang == "zh" and row["method"] == treated.method:
            return treated.method_zh
        return str(row["method"]).replace("_", " ")


def gep_report(account: Mapping[str, Any], *, lang: str = "zh") -> str:
    """Print one account as a self-contained HTML page: no script, no outside address, A4.

    Args:
        account: plain data of `eco_credit.gep.GepAccount.as_dict`; money in CNY per year. With
            ``uncertainty`` (plain data of `eco_credit.gep.uncertainty.Uncertainty`) totals and chart show P10 to P90
            and the parameters that decide the total.
        lang: ``zh`` or ``en``.

    Returns:
        HTML text; every value is escaped. It is marked as synthetic when a row's source says so.

    Raises:
        ContractError: the norm is unknown (``norm_unknown``).
        KeyError: the language is unknown.
    """
    t = translator(lang)
    view = _View(account, norm_of(account["norm"]), lang, t, summary_unit(account["total_cny"], lang))
    return environment().get_template("gep_report.html.j2").render(
        t=t, lang_tag=LANGUAGE_TAGS[lang], css=Markup(stylesheet()),  # noqa: S704  our own file
        account=account, norm=view.norm, norm_title=getattr(view.norm, lang),
        norm_status=t(f"gep_report.status.{view.norm.status}"),
        head=_head(view), total=_total(view), groups=_groups(view), chart=_chart(view), colours=GROUP_COLOURS,
        left_out=_left_out(view), warnings=_warnings(view), **_table(view), synthetic=is_synthetic(account),
        day=day(account["rules_day"], lang), rules=str(account["rules_hash"])[:16],
        unread=[zh if lang == "zh" else en for en, zh in view.norm.unread],
    )


def stylesheet() -> str:
    """The style sheet of the report."""
    return files("eco_credit.reports").joinpath("templates", "gep_report.css").read_text(encoding="utf-8")


def summary_unit(total: float, lang: str) -> MoneyUnit:
    """Unit of the totals: 亿元 or million CNY for large accounts, 万元 or CNY for small ones.

    Example:
        >>> summary_unit(5.7e11, "zh").key, summary_unit(120_000.0, "en").key
        ('yi', 'yuan')
    """
    if abs(total) >= LARGE:
        return MoneyUnit(1e8, "yi") if lang == "zh" else MoneyUnit(1e6, "million")
    return MoneyUnit(1e4, "wan") if lang == "zh" else MoneyUnit(1.0, "yuan")


def is_synthetic(account: Mapping[str, Any]) -> bool:
    """Whether the source of any row says that its numbers are synthetic."""
    return any(_SYNTHETIC.search(row["source"] or "") for row in account["rows"])


def _sums(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Value, low and high of rows together: ``sum V``, ``sum low``, ``sum high``, CNY per year.

    The ends are those of rows that move together, wider than independent rows would give.
    """
    value, low, high = (math.fsum(row[name] for row in rows) for name in ("value_cny", "low", "high"))
    return value, low, high


def _counted(view: _View) -> list[Row]:
    return [row for row in view.account["rows"] if row["counted"]]


def _head(view: _View) -> list[tuple[str, str]]:
    """What the account is about, in lines of name and value."""
    account, t = view.account, view.t
    area = " ".join(str(part) for part in (account["area_name"], account["area_code"]) if part)
    kind = t(f"gep_report.price_kind.{account['price_kind']}") if account["price_kind"] else ""
    price = " ".join(str(part) for part in (account["price_year"], kind) if part)
    return [
        (t("gep_report.area"), area or t("gep_report.not_stated")),
        (t("gep_report.year"), str(account["account_year"] or t("gep_report.not_stated"))),
        (t("gep_report.price_base"), price or t("gep_report.not_stated")),
    ]


def _total(view: _View) -> dict[str, Any]:
    value, low, high = _sums(_counted(view))
    found: dict[str, Any] = {"shown": view.unit.shown(value), "range": view.unit.span(low, high),
                             "unit": view.t(f"gep_report.unit.{view.unit.key}"), "percentiles": None, "deciding": []}
    drawn = view.account.get("uncertainty")
    if drawn:
        found["percentiles"] = view.t(
            "gep_report.percentiles", samples=number(drawn["samples"], 0), seed=drawn["seed"],
            **{name: view.unit.shown(drawn["total"][name]) for name in ("p10", "p50", "p90")})
        found["deciding"] = [(share["name"], percent(max(share["total"], 0.0), 0))
                             for share in drawn["parameters"][:MOST_DECIDING]]
    return found


def _groups(view: _View) -> list[dict[str, Any]]:
    total, found = view.account["total_cny"], []
    for group in GROUPS:
        rows = [row for row in _counted(view) if services()[row["service"]].group == group]
        value, low, high = _sums(rows)
        found.append({"group": group, "name": view.t(f"gep_report.group.{group}"), "shown": view.unit.shown(value),
                      "share": _share(value, total), "range": view.unit.span(low, high)})
    return found


def _share(value: float, total: float) -> str:
    return percent(value / total) if total > 0.0 else UNKNOWN


def _chart(view: _View) -> Markup:
    bars = []
    for code in services():
        for counted in (True, False):
            rows = [row for row in view.account["rows"] if row["service"] == code and row["counted"] is counted]
            if rows:
                bars.append(_bar(view, code, rows, counted=counted))
    t = view.t
    ends = "P10 – P90" if view.account.get("uncertainty") else t("gep_report.range")
    heads = (t("gep_report.value"), t("gep_report.share"), ends)
    return service_chart(bars, heads=heads, title=t("gep_report.chart"))


def _bar(view: _View, code: str, rows: Sequence[Row], *, counted: bool) -> ServiceBar:
    value, low, high = _sums(rows)
    drawn = view.account.get("uncertainty")
    if drawn and counted:
        low, high = drawn["services"][code]["p10"], drawn["services"][code]["p90"]
    share = _share(value, view.account["total_cny"]) if counted else view.t("gep_report.not_counted")
    if drawn and not counted:  # percentiles are drawn for what the norm counts
        low, high = value, value
    span = UNKNOWN if low == high == value and drawn else view.unit.span(low, high)
    shown = (view.unit.shown(value), share, span)
    return ServiceBar(view.service(code), services()[code].group, value, low, high, counted, shown)


def _left_out(view: _View) -> list[dict[str, Any]]:
    """What was left out by service, item and reason; the same part of several places is one line."""
    parts: dict[tuple[str, str, str], list[Row]] = {}
    for row in view.account["left_out"]:
        key = (view.service(row["service"]), view.item(row) or "", row[view.lang])
        parts.setdefault(key, []).append(row)
    return [
        {"name": name, "item": item, "why": why,
         "shown": view.unit.shown(math.fsum(row["value_cny"] for row in rows)),
         "place": _places(view, [row["place"] for row in rows if row["place"]])}
        for (name, item, why), rows in parts.items()
    ]


def _places(view: _View, places: Sequence[str]) -> str:
    return view.t("gep_report.places", count=len(places)) if len(places) > 1 else "".join(places)


def _warnings(view: _View) -> list[dict[str, str]]:
    """Notices by rule: the first sentence, its rows, and where else the rule is met."""
    by_rule: dict[str, list[Mapping[str, Any]]] = {}
    for notice in view.account["warnings"]:
        by_rule.setdefault(notice["rule"], []).append(notice)
    join, t = ("、" if view.lang == "zh" else ", "), view.t
    found = []
    for rule, notices in by_rule.items():
        first, rest = notices[0], [row for notice in notices[1:] for row in notice["rows"]]
        where = t("gep_report.rows", rows=_numbers(first["rows"], join)) if first["rows"] else ""
        also = t("gep_report.also", rows=_numbers(rest, join)) if rest else ""
        found.append({"rule": rule, "text": first[view.lang], "where": where, "also": also})
    return found


def _numbers(rows: Sequence[int], join: str) -> str:
    """Row numbers, the first twelve of many."""
    return join.join(map(str, rows[:MOST_NUMBERS])) + (f"{join}… ({len(rows)})" if len(rows) > MOST_NUMBERS else "")


def _table(view: _View) -> dict[str, Any]:
    """Every row of the account, and the sources they point to by number."""
    unit = replace(view.unit, places=4) if view.unit.key == "yi" else view.unit  # to ten thousand yuan
    whole = view.account["rows"]
    rows = whole if len(whole) <= MOST_ROWS else []
    sources = {source: place for place, source in enumerate(dict.fromkeys(row["source"] for row in whole), start=1)}
    lines = [_row(view, row, unit) | {"source": sources[row["source"]]} for row in rows]
    return {"lines": lines, "sources": [_source(view, source) for source in list(sources)[:MOST_SOURCES]],
            "line_unit": view.t(f"gep_report.unit.{unit.key}"),
            "row_count": number(len(whole), 0), "has_places": any(row["place"] for row in rows),
            "own_page": len(rows) > ONE_PAGE_ROWS}


def _source(view: _View, source: str) -> str:
    """A source as the row has it; what the account itself says about a row without one, in words."""
    if source in ("stated", "rulebook price"):
        return view.t(f"gep_report.origin.{source.replace(' ', '_')}")
    start, _, formula = source.partition("computed: ")
    return source if start or not formula else view.t("gep_report.origin.computed", formula=formula)


def _row(view: _View, row: Row, unit: MoneyUnit) -> dict[str, Any]:
    return {
        "service": view.service(row["service"]), "item": view.item(row) or "", "place": row["place"] or "",
        "amount": _measured(row["physical"], row["physical_unit"], view.lang),
        "price": _measured(row["price"], row["price_unit"], view.lang),
        "value": unit.shown(row["value_cny"]), "range": unit.span(row["low"], row["high"]),
        "method": view.method(row), "counted": row["counted"],
    }


def _measured(amount: float | None, unit: str | None, lang: str) -> str:
    return UNKNOWN if amount is None else f"{brief(amount)} {unit_words(unit or '', lang)}".rstrip()


def unit_words(unit: str, lang: str) -> str:
    """A unit of the account as it is printed.

    Example:
        >>> unit_words("1e8 m3", "zh"), unit_words("1e8 m3", "en"), unit_words("CNY/tCO2", "zh")
        ('亿m³', '×10⁸ m³', '元/tCO₂')
    """
    for plain, (zh, en) in _UNIT_WORDS.items():
        unit = unit.replace(plain, zh if lang == "zh" else en)
    return unit
