"""Norms as data: which services count, by which method, in which edition, and what could not be read.

Totals under different norms do not add up: the account refuses it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

import yaml

from eco_credit.core.errors import ContractError, Violation
from eco_credit.gep.flow import Notice
from eco_credit.gep.services import services

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
        in_force: first day, or None where it could not be read.
        status: in_force, trial, draft, superseded, framework or paper.
        family: gep, or the school it belongs to instead: forest_services, seea, physical.
        accountable: True when enough of its service list is known to account under it.
        exchange_value: True when consumer surplus may not enter the total.
        netting: True when the value of products from outside the area is taken off.
        source: where the table below was read.
        unread: what could not be read in the original, pairs of English and Chinese.
        services: service code to treatment.
    """

    id: str
    edition: str
    zh: str
    en: str
    issuer: str
    in_force: dt.date | None
    status: str
    family: str
    accountable: bool
    exchange_value: bool
    netting: bool
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
            "in_force": None if self.in_force is None else str(self.in_force), "status": self.status,
            "family": self.family, "accountable": self.accountable,
            "exchange_value": self.exchange_value, "netting": self.netting,
            "source": self.source, **named,
            "verify": [code for code, treatment in self.services.items() if treatment.verify],
            "unread": [{"en": en, "zh": zh} for en, zh in self.unread],
        }


def _read(raw: Mapping[str, Any]) -> Norm:
    treated = {code: NormService(**treatment) for code, treatment in raw["services"].items()}
    plain = {key: raw[key] for key in ("id", "edition", "zh", "en", "issuer", "in_force", "status",
                                       "exchange_value", "source")}
    unread = tuple((entry["en"], entry["zh"]) for entry in raw["unread"])
    return Norm(**plain, family=raw.get("family", "gep"), accountable=bool(raw.get("accountable", True)),
                netting=bool(raw.get("netting", False)), unread=unread,
                services=MappingProxyType(treated))


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
        ContractError: rule ``norm_unknown``; rule ``norm_list_unread`` for a norm that is listed and whose
            services could not be read.
    """
    usable = [known for known, norm in norms().items() if norm.accountable]
    if name not in norms():
        raise ContractError([Violation("norm", "norm_unknown", f"use one of: {', '.join(usable)}", "没有该核算规范")])
    if not norms()[name].accountable:
        raise ContractError([Violation("norm", "norm_list_unread", f"which services {name} counts could not be read",
                                       "该规范的指标清单未能读到，不能据以核算")])
    return norms()[name]


def about(norm: Norm, present: Sequence[str]) -> list[Notice]:
    """What the reader of an account must know about its norm.

    Args:
        norm: the norm.
        present: codes of the services the table has.

    Returns:
        Notices ``optional_service``, ``compulsory_missing`` and ``norm_not_read``, those that apply.
    """
    known, here = services(), frozenset(present)
    ordered = [code for code in known if code in here]
    named = [code for code in ordered if norm.treats(code).counts == "optional"]
    missing = [code for code, treatment in norm.services.items()
               if treatment.counts == "compulsory" and code not in here]
    notices = []
    if named:
        notices.append(Notice("optional_service", f"optional under {norm.id}, counted here: {', '.join(named)}",
                              f"{norm.zh}列为可选，本账户已计入：{'、'.join(known[code].zh for code in named)}"))
    if missing:
        notices.append(Notice("compulsory_missing",
                              f"compulsory under {norm.id} and not in the table: {', '.join(missing)}",
                              f"{norm.zh}必核而表中没有：{'、'.join(known[code].zh for code in missing)}"))
    if norm.family != "gep":
        notices.append(Notice("other_school", f"{norm.id} is of another school: its total is not a GEP",
                              f"{norm.zh}属另一体系，其总值不是生态产品总值"))
    if any(norm.treats(code).verify for code in ordered):
        notices.append(Notice("norm_not_read", f"parts of {norm.id} were not read in the original: check before use",
                              f"{norm.zh}部分内容未核对原文，使用前请核对"))
    return notices
