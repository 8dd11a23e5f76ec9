"""Norms as data: which services count, by which method, in which edition, and what could not be read.

Totals under different norms do not add up: the account refuses it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

import yaml

from eco_credit.core.errors import ContractError, Violation

Counts = Literal["compulsory", "counted", "optional", "left_out"]


@dataclass(frozen=True, slots=True)
class NormService:
    """How a norm treats one service.

    Attributes:
        counts: compulsory, counted, optional (counted when the account brings it) or left_out.
        method: valuation method the norm names, as a code.
        method_zh: the same in Chinese.
        verify: True when the norm's own text was not read on this point.
    """

    counts: Counts
    method: str
    method_zh: str
    verify: bool


@dataclass(frozen=True, slots=True)
class Norm:
    """One edition of one accounting norm.

    Attributes:
        id: identifier, such as ``norm-2022``.
        edition: edition.
        zh: Chinese title.
        en: English title.
        issuer: who issued it.
        in_force: first day.
        status: in_force, trial or paper.
        exchange_value: True when consumer surplus may not enter the total.
        source: where the table below was read.
        unread: what could not be read in the original, pairs of English and Chinese.
        services: service code to treatment.
    """

    id: str
    edition: str
    zh: str
    en: str
    issuer: str
    in_force: dt.date
    status: str
    exchange_value: bool
    source: str
    unread: tuple[tuple[str, str], ...]
    services: Mapping[str, NormService]

    def treats(self, service: str) -> NormService:
        """Treatment of a service; one the norm does not name is left out."""
        return self.services.get(service, NormService("left_out", "stated", "自报", True))

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a listing."""
        named: dict[str, list[str]] = {"compulsory": [], "counted": [], "optional": [], "left_out": []}
        for code, treatment in self.services.items():
            named[treatment.counts].append(code)
        return {
            "id": self.id, "edition": self.edition, "zh": self.zh, "en": self.en, "issuer": self.issuer,
            "in_force": str(self.in_force), "status": self.status, "exchange_value": self.exchange_value,
            "source": self.source, **named,
            "verify": [code for code, treatment in self.services.items() if treatment.verify],
            "unread": [{"en": en, "zh": zh} for en, zh in self.unread],
        }


def _read(raw: Mapping[str, Any]) -> Norm:
    treated = {code: NormService(**treatment) for code, treatment in raw["services"].items()}
    plain = {key: raw[key] for key in ("id", "edition", "zh", "en", "issuer", "in_force", "status",
                                       "exchange_value", "source")}
    unread = tuple((entry["en"], entry["zh"]) for entry in raw["unread"])
    return Norm(**plain, unread=unread, services=MappingProxyType(treated))


@cache
def norms() -> Mapping[str, Norm]:
    """All norms by id.

    Example:
        >>> norms()["norm-2022"].treats("oxygen").counts
        'left_out'
    """
    root = resources.files("eco_credit.gep") / "norm_tables"
    files = sorted((file for file in root.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    read = [_read(yaml.safe_load(file.read_text(encoding="utf-8"))) for file in files]
    return MappingProxyType({norm.id: norm for norm in read})


def norm_of(name: str) -> Norm:
    """One norm by id.

    Raises:
        ContractError: rule ``norm_unknown``.
    """
    if name not in norms():
        raise ContractError([Violation("norm", "norm_unknown", f"use one of: {', '.join(norms())}", "没有该核算规范")])
    return norms()[name]
