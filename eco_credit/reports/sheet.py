"""The decision sheet: an answer in the order a loan officer reads it, ready for a template.

Order (desk manual C.1): gates → how much may be lent → value and lending value → risk → reasons →
conditions → how the value came about → where the numbers come from. Nothing is computed here that
the answer does not say, but the lending value as a part of the central value; only words are chosen
and numbers written out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eco_credit.contracts import contract
from eco_credit.reports import figures, formats
from eco_credit.reports.appraisal_parts import differs, steps
from eco_credit.reports.appraisal_pictures import drivers, range_figure
from eco_credit.reports.appraisal_sources import article_words, title_of
from eco_credit.reports.page import Translate, money_text
from eco_credit.reports.written import kind_label, written
from eco_credit.scoring.reasons import reason_codes

Answer = Mapping[str, Any]

_HARMFUL = ("gate", "adverse")


def worded(item: Any, lang: str) -> dict[str, str]:
    """A coded statement in words: a bare code, a sentence, or a mapping with ``code``, ``zh`` and ``en``.

    Args:
        item: what the answer holds.
        lang: ``zh`` or ``en``.

    Returns:
        ``{"code", "text", "sign", "area", "action", "stage"}``; a part that is not known is empty.
    """
    given: Mapping[str, Any] = item if isinstance(item, Mapping) else {"code": str(item)}
    code = str(given.get("code") or "")
    known = reason_codes().get(code)
    from_list = known.as_dict() if known else {}
    text = str(given.get(lang) or from_list.get(lang) or given.get("text") or code)
    return {
        "code": code if known and code != text else "",
        "text": text,
        "sign": str(given.get("sign") or from_list.get("sign") or ""),
        "area": known.area if known else "",
        "action": str(given.get(f"action_{lang}") or from_list.get(f"action_{lang}") or ""),
        "stage": str(given.get("stage") or ""),
    }


def _refusal(hit: Mapping[str, Any], lang: str) -> dict[str, str]:
    """A refusal in words, with the gates behind its code; recorded answers from before gates were named have none."""
    said, joint, colon = worded(hit, lang), *(("；", "：") if lang == "zh" else ("; ", ": "))
    behind = joint.join(gate[lang] for gate in hit.get("because", []) if gate[lang] != said["text"])
    return said | {"text": f"{said['text']}{colon}{behind}"} if behind else said


def gates(answer: Answer, *, lang: str, t: Translate) -> list[dict[str, Any]]:
    """Every gate with its light: borrower, each pledge, lending policy, scope of the model."""
    of_pledges = {hit["code"] for pledge in answer["pledges"] for hit in pledge["ineligible_reasons"]}
    shut = [r for r in (worded(reason, lang) for reason in answer["reasons"]) if r["sign"] == "gate"]
    of_case = [r for r in shut if r["code"] not in of_pledges]
    policy = [r for r in of_case if r["area"] == "policy"]
    rows = [_gate(t("gates.borrower"), [r for r in of_case if r["area"] != "policy"])]
    for pledge in answer["pledges"]:
        name = t("gates.pledge", kind=kind_label(pledge["kind"], lang), pledge_id=pledge["pledge_id"])
        rows.append(_gate(name, [_refusal(hit, lang) for hit in pledge["ineligible_reasons"]], pledge["eligible"]))
    rows.append(_gate(t("gates.policy"), policy))
    rows.append(_gate(t("gates.scope"), [worded("D04", lang)] if answer["out_of_scope"] else []))
    return rows


_REQUEST = (
    ("loan", ("amount_requested", "term_months", "annual_rate")),
    ("loan", ("purpose", "repayment", "first_source", "control_account")),
    ("borrower", ("net_cash_in_year", "other_debt", "external_guarantee")),
)
"""What is asked for and which cash repays it, in the order it is read."""


def request(application: Mapping[str, Any], *, lang: str, t: Translate) -> list[dict[str, Any]]:
    """What was asked for and the cash behind it, labelled by the contract; blank fields are left out."""
    fields = {(one.group, one.name): one for one in contract("application").fields}
    return [
        {"label": fields[group, name].label_zh if lang == "zh" else fields[group, name].label_en,
         "value": written(application[group][name], fields[group, name], lang=lang, t=t)}
        for group, names in _REQUEST
        for name in names
        if application.get(group, {}).get(name) is not None
    ]


def _gate(name: str, why: list[dict[str, str]], passed: bool = True) -> dict[str, Any]:
    """One gate: open when it was passed and nothing speaks against it."""
    return {"name": name, "open": passed and not why, "why": why}


def _haircut(cut: Mapping[str, Any], lang: str) -> dict[str, str]:
    """One haircut: its name, its ratio and the rule behind it."""
    return {"name": str(cut.get(lang) or cut["name"]), "ratio": formats.percent(cut["ratio"]), "rule": str(cut["rule"])}


def _tests(pledge: Mapping[str, Any], lang: str) -> list[dict[str, Any]]:
    """Every gate of a pledge with the text it rests on; none in answers recorded before they were kept."""
    return [
        {"text": gate[lang], "code": gate["code"], "open": not gate["hit"],
         "law": f"{title_of(gate['ref'], lang)} {article_words(gate['article'] or '', lang)}".strip()}
        for gate in pledge.get("gates", [])
    ]


def _stress(pledge: Mapping[str, Any], *, lang: str, t: Translate) -> list[dict[str, str]]:
    """Value and lending value under each stress."""
    return [
        {"name": one[lang], "value": money_text(one["value"], t), "lending": money_text(one["lending_value"], t)}
        for one in pledge.get("stress", [])
    ]


def pledges(answer: Answer, *, lang: str, t: Translate) -> list[dict[str, Any]]:
    """Each pledge with its figure, haircuts in order, appraisal steps and ecosystem flows."""
    return [
        {
            "pledge_id": pledge["pledge_id"],
            "label": kind_label(pledge["kind"], lang),
            "eligible": pledge["eligible"],
            "appraisal": pledge["appraisal"],
            "approach": _approach(pledge, lang),
            "lending_value": pledge["lending_value"],
            "cap": pledge["cap"],
            "lending_ratio": _part(pledge["lending_value"], pledge["appraisal"]["central"]),
            "recovery": pledge["recovery"],
            "recovery_range": " – ".join(money_text(pledge["recovery"][end], t) for end in ("low", "high")),
            "gep": pledge["gep"],
            "haircuts": [_haircut(cut, lang) for cut in pledge["haircuts"]],
            "tests": _tests(pledge, lang),
            "flags": [f"{flag[lang]} ({flag['rule']})" for flag in pledge.get("flags", [])],
            "drivers": drivers(pledge["appraisal"], lang=lang, t=t),
            "stress": _stress(pledge, lang=lang, t=t),
            "gep_share": formats.percent(pledge["gep"].get("share_of_value")),
            "gep_differs": differs(pledge["gep"], t),
            "steps": steps(pledge["appraisal"]["steps"], lang=lang, t=t),
            "notes": _reasons(pledge.get("reasons", []), lang),
            "figure": range_figure(pledge, lang=lang, t=t),
        }
        for pledge in answer["pledges"]
    ]


def _part(part: Any, whole: Any) -> str:
    """A part of a whole in percent; a dash where there is no whole."""
    return formats.percent(part / whole) if part is not None and whole else formats.UNKNOWN


def _approach(pledge: Mapping[str, Any], lang: str) -> str:
    """The method of appraisal in words; its code in answers recorded before methods brought their names."""
    code = str(pledge["appraisal"]["approach"] or formats.UNKNOWN)
    return str(pledge["appraisal"].get(f"approach_{lang}") or code)


def _reasons(given: Sequence[Any], lang: str) -> list[dict[str, Any]]:
    """Reasons with points, words, the side they are on and what can be done about them."""
    rows = []
    for reason in given:
        said, points = worded(reason, lang), reason.get("points")
        harms = said["sign"] in _HARMFUL if said["sign"] else float(points or 0.0) < 0
        shown = "" if points is None else f"{float(points):+.1f}"
        rows.append({**said, "points": shown, "size": float(points or 0.0), "harms": harms})
    return rows


def _reason_figure(rows: list[dict[str, Any]], t: Translate) -> Any:
    """Bars of the reasons that carry points, or None without any."""
    bars = [figures.Bar(row["size"], row["text"], row["points"], row["harms"]) for row in rows if row["size"]]
    return figures.contribution_bars(bars, title=t("reasons.figure")) if bars else None


def sheet(answer: Answer, application: Mapping[str, Any], *, lang: str, t: Translate) -> dict[str, Any]:
    """All a template needs to print one decision.

    Args:
        answer: a score answer.
        application: the application it answers, as submitted.
        lang: ``zh`` or ``en``.
        t: words of that language.

    Returns:
        Mapping with ``answer``, ``borrower``, ``loan``, ``request``, ``gates``, ``pledges``, ``reasons``,
        ``conditions`` and figures.

    Raises:
        KeyError: the answer lacks a part that every answer has.
    """
    why = _reasons(answer["reasons"], lang)
    return {
        "answer": answer,
        "borrower": application.get("borrower", {}),
        "loan": application.get("loan", {}),
        "request": request(application, lang=lang, t=t),
        "as_of": formats.day(answer["as_of"], lang),
        "gates": gates(answer, lang=lang, t=t),
        "pledges": pledges(answer, lang=lang, t=t),
        "reasons": why,
        "reason_figure": _reason_figure(why, t),
        "conditions": [worded(condition, lang) for condition in answer["conditions"]],
        "capital_limit": formats.capitals(answer["max_loan"]),
        "model_names": ", ".join(f"{m['name']}/{m['version']}" for m in answer["provenance"]["models"]),
    }
