"""The parts of a decision that the result page shows: each gate with its law, drivers, workings, the cross-check."""

from __future__ import annotations

import json

from paper_cases import EXAMPLES, SCORE, words_of

from eco_credit.reports.formats import brief
from eco_credit.reports.page import environment, translator
from eco_credit.reports.sheet import sheet
from eco_credit.rulebook import load
from serving.pipeline import House


def test_the_values_of_a_decision_show_gates_with_their_law_drivers_and_the_cross_check():
    application = json.loads((EXAMPLES / "forest_right.json").read_text("utf-8"))
    answer = House().appraise(application, load(), None) | SCORE | {"application_id": application["application_id"]}
    t = translator("zh")
    parts = '{% import "sheet.html.j2" as part with context %}{{ part.values() }}{{ part.step_tables() }}'
    shown = environment().from_string(parts).render(**sheet(answer, application, lang="zh", t=t), t=t)
    page = " ".join(words_of(shown))
    pledge = answer["pledges"][0]
    said = [gate["zh"] for gate in pledge["gates"]] + [gate["article"] for gate in pledge["gates"] if gate["article"]]
    said += [step["working"] for step in pledge["appraisal"]["steps"]] + [one["zh"] for one in pledge["stress"]]
    said += [brief(pledge["gep"]["norm_over_flows"], 2), t("appraisal_report.picture.drivers")]
    assert len(pledge["gates"]) > 3
    assert [words for words in said if words not in page] == []
