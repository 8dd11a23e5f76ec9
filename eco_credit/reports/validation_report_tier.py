"""How many defaults stand behind a model, what they allow and what is served, as a card and a report print it."""

from __future__ import annotations

from typing import Any, Protocol

from eco_credit.reports.formats import number, percent
from eco_credit.reports.page import Translate
from eco_credit.reports.validation_report_model import ModelFacts, Plain


class Judged(Protocol):
    """What has the record of the gates at training: a model on paper, or a package."""

    @property
    def gate(self) -> Plain:
        """The record."""


def tier_of(facts: Judged) -> Plain:
    """The tier on record: defaults, what they allow, what is served; empty for a package of before there were tiers."""
    found: Plain = (facts.gate.get("statistics") or {}).get("tier") or {}
    return found if "shape" in found else {}


def tier_lines(facts: Judged, t: Translate) -> list[tuple[str, str]]:
    """Defaults, shape allowed, shape served and why, in lines of name and value."""
    tier = tier_of(facts)
    if not tier:
        return []
    lines = [
        (t("validation.tier.defaults"), number(tier["defaults"], 0)),
        (t("validation.tier.out_of_time"), number(tier["out_of_time"], 0)),
        (t("validation.tier.allowed"), t(f"validation.tier.name.{tier['name']}")),
        (t("validation.tier.served"), t(f"validation.tier.shape.{tier['shape']}")),
    ]
    if tier["forced"]:
        lines.append((t("validation.tier.why"), str(tier["reason"] or t(f"validation.tier.forced.{tier['forced']}"))))
    return lines


def spread_of(facts: Judged) -> Plain:
    """How rows were parted in a training on a cluster; empty for one in a single process."""
    found: Plain = (facts.gate.get("statistics") or {}).get("spread") or {}
    return found


def spread_line(facts: Judged, t: Translate) -> list[tuple[str, str]]:
    """Parts of a training on a cluster, and rows held of all rows where a window was sampled."""
    spread = spread_of(facts)
    if not spread:
        return []
    cut = [
        t("validation.tier.spread.of", name=t(f"validation.tier.spread.name.{name}"),
          held=number(spread["rows"][name]["held"], 0), all=number(spread["rows"][name]["all"], 0))
        for name in spread["sampled"]
    ]  # fmt: skip
    held = t("validation.tier.spread.join").join(cut) if cut else t("validation.tier.spread.whole")
    return [(t("validation.tier.spread.title"), t("validation.tier.spread.told", parts=spread["parts"], held=held))]


def tier_warnings(facts: Judged, t: Translate) -> list[str]:
    """What a reader must know first: a shape richer than the defaults allow, or a level that is no estimate."""
    tier = tier_of(facts)
    resolved = ((facts.gate.get("statistics") or {}).get("lgd_rows") or {}).get("fit")
    found = [("richer", tier.get("forced") == "richer"), ("anchored", bool(tier.get("flag"))),
             ("supervisory", resolved == 0), ("sampled", bool(spread_of(facts).get("sampled")))]  # fmt: skip
    return [t(f"validation.tier.warning.{name}") for name, holds in found if holds]


def anchor(facts: ModelFacts) -> dict[str, Any] | None:
    """The grades of an expert's order with their upper bounds; None where outcomes gave the model."""
    found: Plain | None = (facts.gate.get("statistics") or {}).get("anchor")
    if not found:
        return None
    rows = [(str(at), number(one["rows"], 0), number(one["defaults"], 0), percent(one["bound"]))
            for at, one in enumerate(found["grades"], start=1)]  # fmt: skip
    return {"rows": rows, "level": percent(found["level"]), "rate": percent(found["rate"]),
            "bayes": percent(found["bayes"])}  # fmt: skip


def margins(facts: ModelFacts, t: Translate) -> list[tuple[str, str, str, str]]:
    """Margins of conservatism on the PD, each apart: category, what for, points added, part of the PD added."""
    found: Plain = ((facts.gate.get("statistics") or {}).get("margins") or {}).get("pd") or {}
    return [(t(f"validation.tier.category.{one['category']}"), _margin_name(one, t), percent(one["absolute"]),
             percent(one["relative"], 1)) for one in found.get("items", [])]  # fmt: skip


def _margin_name(one: Plain, t: Translate) -> str:
    """A measured margin in words; a stated one as the risk team named it, with what it said."""
    known = {"loans without outcome": "unlabelled", "default rate out of time": "later",
             "estimation error of the level": "error"}  # fmt: skip
    name = str(one["name"])
    return t(f"validation.tier.margin.{known[name]}") if name in known else f"{name}: {one['about']}"
