"""The model card: what a model is for, what it was made from and how good it is, on a few pages."""

from __future__ import annotations

from markupsafe import Markup

from eco_credit.reports.formats import percent
from eco_credit.reports.page import LANGUAGE_TAGS, Translate, environment, translator, words
from eco_credit.reports.validation_report_gates import COLOURS, area, counts, figure, gate_lines, with_span
from eco_credit.reports.validation_report_model import ModelFacts, Plain, label
from eco_credit.reports.validation_report_tier import anchor, margins, tier_lines, tier_warnings
from eco_credit.reports.validation_report_view import provenance, stylesheet, windows
from eco_credit.risk import FeatureSpec

CHAPTERS = ("purpose", "contact", "limits")
"""What people write: a blank each."""
SECTIONS = ("purpose", "targets", "windows", "figures", "gates", "inputs", "limits", "people", "provenance")
"""The chapters, in order."""


def model_card(facts: ModelFacts, *, lang: str = "zh", css_address: str | None = None) -> str:
    """Print the card of a model as one self-contained HTML page: no script, no outside address, A4.

    Args:
        facts: the model; its statistics are those of the record of the training.
        lang: ``zh`` or ``en``.
        css_address: address of the style sheet; without it the page carries its own.

    Returns:
        HTML text; every value is escaped. A model trained on synthetic data is marked on every page.

    Raises:
        KeyError: the language is unknown.
    """
    t = translator(lang)
    gates = gate_lines(facts.gate.get("gates"), lang)
    return environment().get_template("model_card.html.j2").render(
        t=t, lang_tag=LANGUAGE_TAGS[lang], css=Markup(stylesheet()), facts=facts,  # noqa: S704  our own file
        css_address=css_address,
        windows=windows(facts, lang, t), figures=_figures(facts.gate.get("statistics") or {}, t), gates=gates,
        counted=counts(gates), colours=COLOURS, chapters=CHAPTERS, provenance=provenance(facts, lang, t),
        tier=tier_lines(facts, t), anchor=anchor(facts), margins=margins(facts, t), warnings=tier_warnings(facts, t),
        inputs=[_input(facts, spec, lang, t) for spec in facts.features.features],
    )  # fmt: skip


def _figures(found: Plain, t: Translate) -> list[tuple[str, str]]:
    """The statistics of the training in lines of name and value; empty where there are none."""
    pd, lgd = found.get("pd") or {}, found.get("lgd") or {}
    if not pd:
        return []
    return [
        (t("validation.auc"), with_span(pd.get("auc"))), (t("validation.ks"), area(pd.get("ks"))),
        (t("validation.word.brier"), with_span(pd.get("brier"))),
        (t("validation.default_rate"), with_span(pd.get("default_rate"), rate=True)),
        (t("validation.mean_pd"), percent(pd.get("mean_pd"))), (t("validation.defaults"), figure(pd.get("defaults"))),
        (t("validation.word.realised"), with_span(lgd.get("realised"), rate=True)),
        (t("validation.word.mean_lgd"), percent(lgd.get("mean_lgd"))),
        (t("validation.word.floor_coverage"), with_span(lgd.get("floor_coverage"), rate=True)),
    ]  # fmt: skip


def _input(facts: ModelFacts, spec: FeatureSpec, lang: str, t: Translate) -> tuple[str, str, str, str, str]:
    """One input: name, family, unit, sign, part in the PD model."""
    zh, en = facts.features.families[spec.family]
    known = words("eco_credit.reports", lang)
    unit = t("card.ratio") if spec.unit == "ratio" else known.get(f"stored_unit.{spec.unit}", spec.unit)
    part = percent(facts.gain(spec.name), 1) if spec.name in facts.table.names else t("card.unused")
    return label(spec, lang), zh if lang == "zh" else en, unit, t(f"validation.sign.{spec.monotone}"), part
