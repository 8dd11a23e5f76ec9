"""What a paper is made of: one record of the decision log, and words for its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import yaml

from eco_credit.contracts import Field, code_list, contract
from eco_credit.core.dates import BEIJING
from eco_credit.reports import formats
from eco_credit.reports.desk_form import desk_number, desk_unit, letter
from eco_credit.reports.page import Translate, translator
from eco_credit.reports.papers.paper import Fact
from eco_credit.reports.written import SENSITIVE, kind_label, label, masked, unit_words

Plain = Mapping[str, Any]
WORDS = "eco_credit.reports.papers"
"""The package that holds the sentences of the papers."""
_CALENDAR_YEAR = 1_000.0


@dataclass(frozen=True, slots=True)
class Record:
    """One recorded decision.

    Attributes:
        answer: the recorded score answer; money in yuan, ratios as parts of one.
        application: the recorded request it answers.
        outcomes: what people decided about it, oldest first, each with ``created_at``; the last one stands.
        recorded_at: when the answer was recorded, UTC, ISO 8601; empty outside a log.
    """

    answer: Plain
    application: Plain
    outcomes: tuple[Plain, ...] = ()
    recorded_at: str = ""


@dataclass(frozen=True)
class View:
    """A record with the words of one language."""

    record: Record
    lang: str
    t: Translate = field(init=False)

    def __post_init__(self) -> None:
        """Take the words of the reports and of the papers."""
        object.__setattr__(self, "t", translator(self.lang, "eco_credit.reports", WORDS))

    @property
    def answer(self) -> Plain:
        """The recorded answer."""
        return self.record.answer

    @property
    def loan(self) -> Plain:
        """The loan as requested."""
        return dict(self.record.application.get("loan", {}))

    @cached_property
    def fields(self) -> dict[tuple[str, str], Field]:
        """Fields of the application by group and name."""
        return {(one.group, one.name): one for one in contract("application").fields}

    def stated(self, group: str, name: str) -> Any:
        """What the application says; None where it is blank."""
        return self.record.application.get(group, {}).get(name)

    def asked(self, group: str, name: str, *, wide: bool = False, strong: bool = False) -> Fact:
        """One field of the application as a fact; a blank one says that it is not stated."""
        return self.fact(self.fields[group, name], self.stated(group, name), wide=wide, strong=strong)

    def fact(self, one: Field, value: Any, *, wide: bool = False, strong: bool = False) -> Fact:
        """One field of a contract as a fact: label with unit, value, and the paper it is from."""
        words = self.written(one, value) if value is not None else self.t("paper.not_stated")
        exact = letter(value) if one.unit in ("CNY", "CNY/year") and value is not None else ""
        return Fact(self.labelled(one), words, exact, source_words(one.source, self.lang), wide, strong)

    def name(self, one: Field) -> str:
        """Label of a field; what is stored by the hectare is printed by the 亩, and its label says so."""
        found = label(one, self.lang, on_certificate=False)
        return found.replace("per hectare", "per mu") if desk_unit(one.unit, self.lang) else found

    def labelled(self, one: Field) -> str:
        """Label of a field with its printed unit in brackets."""
        name = self.name(one)
        unit = self.unit_of(one)
        return name if not unit or "(" in name or "（" in name else self.with_unit(name, unit)

    def with_unit(self, name: str, unit: str) -> str:
        """A label with a unit in the brackets of the language."""
        return f"{name}（{unit}）" if self.lang == "zh" else f"{name} ({unit})"

    def unit_of(self, one: Field) -> str:
        """The printed unit of a field; none for texts, codes, percentages and years of the calendar."""
        if not one.is_number or one.list_id or one.unit == "ratio" or _is_calendar(one):
            return ""
        return self.unit(one.unit)

    def unit(self, stored: str) -> str:
        """The printed unit of a stored one."""
        return desk_unit(stored, self.lang) or unit_words(stored, self.t)

    def written(self, one: Field, value: Any) -> str:
        """A value in words or digits; what is most personal is masked to its last four letters."""
        if isinstance(value, bool):
            return self.t("provenance.yes" if value else "provenance.no")
        if one.list_id:
            return code_list(one.list_id).text(str(value), self.lang)
        if one.type == "date":
            return formats.day(value, self.lang)
        if not one.is_number:
            hidden = one.privacy >= SENSITIVE or one.name.endswith("_id")
            return masked(str(value), _sensitive(one)) if hidden else str(value)
        return f"{int(value)}" if _is_calendar(one) else self.number(value, one.unit)

    def number(self, value: Any, unit: str) -> str:
        """A number as the papers print it; a percentage carries its sign."""
        text = desk_number(value, unit)
        return f"{text}%" if unit == "ratio" and text != formats.UNKNOWN else text

    def money(self, name: str, yuan: Any, *, source: str = "", strong: bool = False) -> Fact:
        """An amount as a fact, in ten thousand yuan, with the yuan behind it."""
        exact = letter(yuan) if yuan is not None else ""
        return Fact(self.with_unit(name, self.unit("CNY")), desk_number(yuan, "CNY"), exact, source, strong=strong)

    def span(self, value: Plain, unit: str) -> str:
        """A range from low to high; a dash where neither end is known."""
        if value.get("low") is None and value.get("high") is None:
            return formats.UNKNOWN
        return " – ".join(self.number(value.get(end), unit) for end in ("low", "high"))

    def kind(self, pledge: Plain) -> str:
        """Name of the kind of a pledge."""
        return kind_label(str(pledge["kind"]), self.lang)

    def models(self) -> str:
        """Names and versions of the models."""
        return ", ".join(f"{m['name']}/{m['version']}" for m in self.answer["provenance"]["models"])

    def time(self, stamp: str) -> str:
        """A time of the log as day and minute in Beijing."""
        if not stamp:
            return formats.UNKNOWN
        local = datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(BEIJING)
        return f"{formats.day(local.date().isoformat(), self.lang)} {local:%H:%M}"


def _is_calendar(one: Field) -> bool:
    """A field in years that may go beyond a thousand holds a year of the calendar."""
    return one.unit == "year" and (one.maximum or 0.0) > _CALENDAR_YEAR


def _sensitive(one: Field) -> Field:
    """The field as one whose value is masked to its last four letters."""
    return replace(one, privacy=max(one.privacy, SENSITIVE))


@cache
def _source_names() -> dict[str, str]:
    """Names of the papers of the desk in English, by their Chinese names."""
    text = files(WORDS).joinpath("source_names.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def source_words(source: str | None, lang: str) -> str:
    """The papers a field is from; a paper without an English name keeps its own.

    Example:
        >>> source_words("执照, 税务", "zh"), source_words("征信报告", "en"), source_words(None, "en")
        ('执照、税务', 'credit report', '')
    """
    names = [one.strip() for one in (source or "").split(",") if one.strip()]
    if lang == "zh":
        return "、".join(names)
    return ", ".join(_source_names().get(one, one) for one in names)
