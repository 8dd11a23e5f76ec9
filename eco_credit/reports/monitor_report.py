"""The monitoring report: one look at a model in use as a page to print, in Chinese or English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from eco_credit.contracts import contract, contract_names
from eco_credit.reports.figures import BAND, CENTRE, INK, MUTED, WIDTH, rect, svg, words
from eco_credit.reports.formats import UNKNOWN, number, percent
from eco_credit.reports.page import LANGUAGE_TAGS, Translate, environment, translator

Line = tuple[str, ...]
"""Cells of one row of a table, as shown."""
MOST_FEATURES = 40
"""Most features listed, those of the largest gain."""
MOST_VINTAGES = 12
"""Most quarters listed, the newest; all of them enter the line below them."""


def monitor_report(found: Mapping[str, Any], *, lang: str = "zh", css_address: str | None = None) -> str:
    """Print one look as a self-contained HTML page: no script, no outside address, A4.

    Args:
        found: plain data of a monitoring run: ratios are parts of one, lights are words; every trigger carries its
            sentence in zh and en.
        lang: ``zh`` or ``en``.
        css_address: address of the style sheet; without it the page carries its own.

    Returns:
        HTML text; every value is escaped. It is marked as synthetic when the rows or the model are.

    Raises:
        KeyError: the language is unknown.
    """
    t = translator(lang)
    return environment().get_template("monitor_report.html.j2").render(
        t=t, lang=lang, lang_tag=LANGUAGE_TAGS[lang], css=Markup(stylesheet()),  # noqa: S704  our own file
        css_address=css_address, found=found, head=head(found, t), triggers=triggers(found, t, lang),
        estimated=estimated(found, t),
        segments=segment_lines(found, t, lang), kinds=kind_lines(found, lang), left_out=left_out(found, t),
        score=score(found, t), grades=grade_lines(found), chart=grade_chart(found["grades"]["table"], t),
        features=feature_lines(found, t, lang), layers=layer_lines(found, t), mix=mix(found, t), width=width(found, t),
        ledger=ledger(found, t), early=early(found), departures=departures(found, t),
        concentration=concentration_lines(found, t), prices=price_lines(found, t), footer=footer(found, t),
    )  # fmt: skip


def stylesheet() -> str:
    """The style sheet of the report."""
    return files("eco_credit.reports").joinpath("templates", "monitor_report.css").read_text(encoding="utf-8")


def head(found: Mapping[str, Any], t: Translate) -> list[Line]:
    """What was looked at, and what it is held against."""
    data, reference = found["data"], found["reference"]
    rows = t("monitor.data_rows", rows=number(data["rows"], 0), first=data["first"] or UNKNOWN,
             last=data["last"] or UNKNOWN)  # fmt: skip
    parts = {of: [part for part, by in reference["from"].items() if by == of] for of in reference["from"].values()}
    sources = [
        f"{t('monitor.from.' + of)}: {t('monitor.join').join(t('monitor.part.' + part) for part in named)}"
        for of, named in parts.items()
    ]
    return [
        (t("monitor.model"), f"{found['model']['name']} {found['model']['version']}", ""),
        (t("monitor.data"), t(f"monitor.form.{data['form']}"), rows),
        (t("monitor.reference"), t(f"monitor.reference_form.{reference['form']}"), "; ".join(sources)),
    ]


def triggers(found: Mapping[str, Any], t: Translate, lang: str) -> list[dict[str, str]]:
    """Name, light and finding of each trigger."""
    return [
        {"name": t(f"monitor.name.{row['name']}"), "light": row["light"], "lamp": t(f"monitor.light.{row['light']}"),
         "said": row[lang], "rules": ", ".join(row["rules"])}
        for row in found["triggers"]
    ]  # fmt: skip


def estimated(found: Mapping[str, Any], t: Translate) -> list[Line]:
    """Expected AUC and default rate with their ranges."""
    auc, rate = found["estimated"]["auc"], found["estimated"]["default_rate"]
    gate = (t("monitor.gate_auc"), number(found["estimated"]["gate_auc"], 3), "")
    if auc is None or rate is None:
        return [gate]
    return [
        (t("monitor.expected_auc"), number(auc["value"], 3), f"{number(auc['low'], 3)} – {number(auc['high'], 3)}"),
        gate,
        (t("monitor.expected_rate"), percent(rate["value"]), f"{percent(rate['low'])} – {percent(rate['high'])}"),
    ]


def segment_lines(found: Mapping[str, Any], t: Translate, lang: str) -> list[Line]:
    """Expected AUC and default rate of each kind of pledge."""
    return [
        (kind_name(row["kind"], lang), number(row["rows"], 0), *_spans(row, t))
        for row in found["estimated"]["segments"]
    ]


def _spans(row: Mapping[str, Any], t: Translate) -> tuple[str, str]:
    if row["auc"] is None:
        return (t("monitor.few_rows"), "")
    auc, rate = row["auc"], row["default_rate"]
    return (f"{number(auc['value'], 3)} ({number(auc['low'], 3)} – {number(auc['high'], 3)})",
            f"{percent(rate['value'])} ({percent(rate['low'])} – {percent(rate['high'])})")  # fmt: skip


def kind_lines(found: Mapping[str, Any], lang: str) -> list[Line]:
    """Share of each kind of pledge now and in the reference."""
    return [
        (kind_name(row["kind"], lang), number(row["rows"], 0), percent(row["share"]), percent(row["expected"]))
        for row in found["kinds"]
    ]


def kind_name(kind: str, lang: str) -> str:
    """Label of a kind of pledge; its code where there is no contract of that name.

    Example:
        >>> kind_name("order", "en") == contract("order").label_en, kind_name("tidal_flat", "en")
        (True, 'tidal_flat')
    """
    if kind not in contract_names():
        return kind
    return contract(kind).label_zh if lang == "zh" else contract(kind).label_en


def left_out(found: Mapping[str, Any], t: Translate) -> str:
    """What a decision log held beside the rows looked at; empty for a file."""
    return t("monitor.left_out", **found["data"]["left_out"]) if found["data"]["left_out"] else ""


def score(found: Mapping[str, Any], t: Translate) -> list[Line]:
    """Shift of score and grades, mean PD beside the one expected."""
    drift, grades = found["score"], found["grades"]["psi"]
    shift = [(t("monitor.name.score"), drift)] + ([(t("monitor.name.grades"), grades)] if grades else [])
    lines: list[Line] = [
        (name, f"{t('monitor.psi')} {number(psi['value'], 3)}", f"{t('monitor.limit')} {number(psi['limit'], 3)}")
        for name, psi in shift
    ]
    expected = f"{t('monitor.expected')} {percent(drift['expected_pd'])}"
    return [*lines, (t("monitor.mean_pd"), percent(drift["mean_pd"]), expected)]


def grade_lines(found: Mapping[str, Any]) -> list[Line]:
    """Share of each grade now and in the reference."""
    return [(row["grade"], percent(row["share"]), percent(row["expected"])) for row in found["grades"]["table"]]


def grade_chart(table: Sequence[Mapping[str, Any]], t: Translate) -> Markup:
    """Shares of the grades as pairs of upright bars: the reference behind, now in front."""
    if not table:
        return Markup("")
    top = max(max(row["share"], row["expected"] or 0.0) for row in table) or 1.0
    step, tall = (WIDTH - 8.0) / len(table), 90.0
    body = ""
    for place, row in enumerate(table):
        left = 4.0 + step * place
        for share, shift, fill in ((row["expected"], 0.12, BAND), (row["share"], 0.5, CENTRE)):
            height = tall * (share or 0.0) / top
            if height > 0.0:
                body += rect(left + shift * step, 22.0 + tall - height, (0.38 * step, height), fill)
        body += words(left + step / 2, 130.0, str(row["grade"]))
    body += rect(4.0, 4.0, (10.0, 10.0), BAND) + words(18.0, 14.0, t("monitor.then"), anchor="start", fill=MUTED)
    body += rect(104.0, 4.0, (10.0, 10.0), CENTRE) + words(118.0, 14.0, t("monitor.now"), anchor="start", fill=INK)
    return svg(body, 136.0, t("monitor.grades_chart"))


def feature_lines(found: Mapping[str, Any], t: Translate, lang: str) -> list[dict[str, str]]:
    """Stability of each feature, largest gain first."""
    return [
        {"name": row[lang], "code": row["name"], "csi": number(row["csi"], 3), "limit": number(row["limit"], 3),
         "light": row["light"], "lamp": t(f"monitor.light.{row['light']}")}
        for row in found["features"][:MOST_FEATURES]
    ]  # fmt: skip


def layer_lines(found: Mapping[str, Any], t: Translate) -> list[Line]:
    """What each layer of the policy caught beside what it should."""
    return [
        (t(f"monitor.layers.{row['layer']}"), number(row["rows"], 0), percent(row["share"]), percent(row["expected"]))
        for row in found["scope"]["layers"]
    ]


def mix(found: Mapping[str, Any], t: Translate) -> str:
    """Shares of the recommendations; empty on a tape."""
    said = found["scope"]["recommendations"]
    return "" if said is None else "; ".join(f"{t('recommendation.' + name)} {percent(s)}" for name, s in said.items())


def width(found: Mapping[str, Any], t: Translate) -> str:
    """Width of the PD range in one line."""
    parts = ("mean", "median", "most", "expected")
    told = [f"{t('monitor.' + part)} {percent(found['width'][part])}" for part in parts]
    psi = found["width"]["psi"]
    if psi is not None:
        chance = f"{t('monitor.limit')} {number(psi['limit'], 3)}"
        told.append(f"{t('monitor.width_psi')} {number(psi['value'], 3)} ({chance})")
    return "; ".join(told)


def ledger(found: Mapping[str, Any], t: Translate) -> dict[str, Any] | None:
    """Matured loans by vintage and in all; None without outcomes."""
    whole = found["ledger"]
    if whole is None:
        return None
    lines = [_vintage(row, row["vintage"]) for row in found["vintages"][-MOST_VINTAGES:]]
    lines += [_vintage(whole, t("monitor.all_vintages"))]
    note = t("monitor.ledger_note", months=whole["horizon_months"], immature=number(whole["immature"], 0),
             without=number(whole["without_outcome"], 0), unmatched=number(whole["unmatched"], 0))  # fmt: skip
    if whole["auc"] is None:
        return {"lines": lines, "note": note, "auc": ""}
    auc, promised = number(whole["auc"]["value"], 3), number(whole["promised_auc"]["value"], 3)
    return {"lines": lines, "note": note, "auc": t("monitor.matured_auc", auc=auc, promised=promised)}


def _vintage(row: Mapping[str, Any], name: str) -> Line:
    counts = (number(row[key], 0) for key in ("loans", "matured", "defaults"))
    span = UNKNOWN if row["low"] is None else f"{percent(row['low'])} – {percent(row['high'])}"
    return (name, *counts, percent(row["default_rate"]), span, percent(row["predicted"]), number(row["jeffreys"], 3))


def early(found: Mapping[str, Any]) -> list[Line]:
    """Loans past due early, by vintage, as plain counts."""
    rows = [row for row in found["early"]["vintages"] if row["seen"]] if found["early"] else []
    return [(row["vintage"], number(row["seen"], 0), number(row["early"], 0)) for row in rows[-MOST_VINTAGES:]]


def departures(found: Mapping[str, Any], t: Translate) -> str:
    """How often people departed from the recommendation; empty where it is not known."""
    row = found["overrides"]
    if row is None:
        return ""
    return t("monitor.departures", departed=row["departed"], decided=row["decided"], share=percent(row["share"]))


def concentration_lines(found: Mapping[str, Any], t: Translate) -> list[Line]:
    """Concentration by each grouping on file; no group is named."""
    return [
        (t(f"monitor.by.{row['by']}"), number(row["hhi"], 4), number(row["effective"], 1), percent(row["largest"]),
         number(row["groups"], 0), percent(row["unknown"]))
        for row in found["concentration"]
    ]  # fmt: skip


def price_lines(found: Mapping[str, Any], t: Translate) -> list[Line]:
    """Move of each price index."""
    return [
        (row["kind"] or t("monitor.all"), row["since"] or UNKNOWN, row["until"], percent(row["move"]))
        for row in found["prices"] or ()
    ]


def footer(found: Mapping[str, Any], t: Translate) -> str:
    """Digests behind the page."""
    return t("monitor.footer", data=found["data"]["digest"][:16], model=found["model"]["digest"][:16],
             day=found["rules"]["day"], rules=found["rules"]["digest"][:16])  # fmt: skip
