"""The validation report of a model: what a risk committee reads before it decides, as a page to print.

Nothing here estimates anything. Statistics come from the evaluation, curves from points that stand for
groups of rows, the model itself from its tables; what only people can say is left as a blank to fill in.
"""

from __future__ import annotations

from markupsafe import Markup

from eco_credit.reports.formats import number
from eco_credit.reports.page import LANGUAGE_TAGS, environment, translator
from eco_credit.reports.validation_report_gates import COLOURS, counts
from eco_credit.reports.validation_report_model import ModelFacts, Plain
from eco_credit.reports.validation_report_tables import pair_papers, papers, proof_lines
from eco_credit.reports.validation_report_tier import anchor, margins, tier_lines
from eco_credit.reports.validation_report_view import View, provenance, stylesheet

SECTIONS = (
    "summary", "data", "model", "proof", "discrimination", "calibration", "stability", "grades", "loss", "walk",
    "comparison", "fairness", "gates", "people", "bins", "provenance",
)  # fmt: skip
"""The chapters, in order."""
CHAPTERS = ("purpose", "population", "limits", "overrides", "opinion", "conditions")
"""What people write: a blank each."""
SIGNERS = ("developer", "validator", "committee", "approver")
"""Who signs, in order."""


def validation_report(evaluation: Plain, facts: ModelFacts, *, lang: str = "zh") -> str:
    """Print the validation of a model as one self-contained HTML page: no script, no outside address, A4.

    Args:
        evaluation: plain data: ``statistics``, ``gates`` and, where there are any, ``data``, ``missed``, ``curves`` and
            ``years``. What is missing is printed as not run; statistics that only a training can measure are taken
            from the record of the training and marked as such.
        facts: the model.
        lang: ``zh`` or ``en``.

    Returns:
        HTML text; every value is escaped. A model trained on synthetic data is marked on every page.

    Raises:
        KeyError: the language is unknown.
    """
    t = translator(lang)
    view = View(evaluation, facts, lang, t)
    parts = {"summary": view.summary(), "data": view.data(), "risk": view.risk(), "stability": view.stability(),
             "grades": view.grades(), "loss": view.loss(), "walk": view.walk(), "comparison": view.comparison(),
             "fairness": view.fairness(), "loss_proofs": view.loss_proofs(),
             "tier": tier_lines(facts, t), "anchor": anchor(facts), "margins": margins(facts, t),
             "unsigned": view.unsigned(),
             "provenance": provenance(facts, lang, t)}  # fmt: skip
    return environment().get_template("validation_report.html.j2").render(
        t=t, lang_tag=LANGUAGE_TAGS[lang], css=Markup(stylesheet()), facts=facts, sections=SECTIONS,  # noqa: S704
        gates=view.gates, was=view.was, colours=COLOURS, counted=counts(view.gates), chapters=CHAPTERS,
        signers=SIGNERS, papers=papers(facts, lang, t), pairs=pair_papers(facts, lang, t),
        pair_count=len(facts.table.pairs), proof=proof_lines(facts, lang, t),
        intercept=number(facts.table.intercept, 3), **parts,
    )  # fmt: skip
