"""The appraisal report says what the answer says, in the desk's order, on two pages, with personal data masked."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from eco_credit.contracts import Field, contract
from eco_credit.core.units import MU_PER_HECTARE
from eco_credit.reports import appraisal_report, memo
from eco_credit.reports.appraisal_sources import article_words
from eco_credit.reports.formats import brief, capitals, day, number, percent, wan
from eco_credit.reports.page import translator
from eco_credit.reports.written import HIDDEN, label, masked, on_paper
from eco_credit.rulebook import load
from serving.pipeline import House

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS = ("forest_right", "water_right", "order")
ORDER = ["summary", "facts", "frame", "gates", "method", "steps", "assumptions", "pictures", "gep", "haircuts",
         "valuations", "sale", "stress", "special", "validity", "sign", "foot"]  # fmt: skip
NEW_KEYS = ("gates", "flags", "stress", "revaluation")
NEW_IN_APPRAISAL = ("approach_zh", "approach_en", "ref", "assumptions", "drivers", "cash_flows")


@cache
def _example(kind: str) -> str:
    application = json.loads((EXAMPLES / f"{kind}.json").read_text("utf-8"))
    return json.dumps([House().appraise(application, load(), None), application])


def example(kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    answer, application = json.loads(_example(kind))
    return answer, application


def changed(kind: str, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Answer and application where the pledge states further fields."""
    _, application = example(kind)
    application["pledges"][0] |= fields
    return House().appraise(application, load(), None), application


class _Text(HTMLParser):
    """The words of a page, without its style and its pictures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self._inside = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._inside += tag in ("style", "svg", "title")

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag in ("style", "svg", "title")

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words.append(data)


def text_of(page: str) -> str:
    return " ".join(" ".join(_Text(page).words).split())


def part_of(page: str, name: str) -> str:
    found = re.search(rf'data-part="{name}".*?(?=data-part=|</article>)', page, re.S)
    assert found is not None
    return text_of(f"<p {found[0]}")


def tokens(text: str) -> set[str]:
    return set(re.findall(r"\d[\d,]*(?:\.\d+)?%?", text))


def leaves(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [leaf for value in node.values() for leaf in leaves(value)]
    if isinstance(node, list):
        return [leaf for value in node for leaf in leaves(value)]
    return [node]


def shown(value: float) -> set[str]:
    """Every way the report may write one number: in yuan or ten thousand, in percent, by 亩 or ten thousand m3."""
    by = (value, value * MU_PER_HECTARE, value / MU_PER_HECTARE, value / 10_000.0)
    briefly = {brief(v, places) for v in by for places in (0, 2, 4)}
    return briefly | {number(value), wan(value), percent(value), percent(value, 0), f"{value:.0f}"}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_stand_in_the_order_of_the_desk(kind, lang):
    page = appraisal_report(*example(kind), lang=lang)
    assert re.findall(r'data-part="(\w+)"', page) == ORDER


def known_numbers(answer: dict[str, Any], application: dict[str, Any], lang: str) -> set[str]:
    """All ways to write what the answer and the application hold, and the few ratios the report adds to them."""
    pledge, value = answer["pledges"][0], answer["pledges"][0]["appraisal"]
    central = value["central"]
    found = {str(place) for place in range(1, 30)}  # numbers of the references
    for leaf in leaves([answer, application["pledges"], application["application_id"]]):
        if isinstance(leaf, str):
            found |= tokens(leaf) | tokens(day(leaf, lang)) | tokens(article_words(leaf, lang))
        elif leaf is not None:
            found |= shown(leaf)
    of_central = [pledge["lending_value"], application["loan"]["amount_requested"]]
    found |= {percent(some / central) for some in of_central}
    found |= {percent(1.0 - one["value"] / central) for one in pledge["stress"]}
    amounts = {one["name"]: one["central"] for one in value["assumptions"]}
    amounts |= {step["code"]: step["value"] for step in value["steps"]}
    for name in {"area", "volume"} & amounts.keys():
        found |= shown(central / amounts[name])
    return found


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_number_on_the_page_is_one_of_the_answer_or_the_application(kind, lang):
    answer, application = example(kind)
    page = text_of(appraisal_report(answer, application, lang=lang).partition('data-part="foot"')[0])
    assert tokens(page) - known_numbers(answer, application, lang) == set()


def test_the_value_is_shown_in_wan_in_yuan_and_in_capitals():
    answer, application = example("forest_right")
    summary = part_of(appraisal_report(answer, application, lang="zh"), "summary")
    central = answer["pledges"][0]["appraisal"]["central"]
    assert wan(central) in summary
    assert number(central) in summary
    assert capitals(central) in summary


@pytest.mark.parametrize("kind", KINDS)
def test_each_step_shows_its_formula_and_its_working(kind):
    answer, application = example(kind)
    steps = part_of(appraisal_report(answer, application, lang="zh"), "steps")
    for step in answer["pledges"][0]["appraisal"]["steps"]:
        assert step["zh"] in steps
        assert step["working"] in steps
        assert step["formula"] in steps


@pytest.mark.parametrize("kind", KINDS)
def test_an_estimate_is_marked_and_named_among_the_special_matters(kind):
    answer, application = example(kind)
    rules = load().at(answer["as_of"])
    page = appraisal_report(answer, application, lang="zh")
    named = [
        one for one in answer["pledges"][0]["appraisal"]["assumptions"]
        if one["rule"] and rules.rule(one["rule"]).authority == "estimate"
    ]
    assert named
    for one in named:
        assert re.search(rf'<span class="estimate">估计</span>[^<]*<code>{re.escape(one["rule"])}</code>', page)
        assert one["zh"] in part_of(page, "special")


def test_a_gate_that_is_hit_is_red_with_its_article():
    answer, application = changed("forest_right", disputed=True)
    page = appraisal_report(answer, application, lang="zh")
    hit = re.findall(r'<li class="closed">.*?</li>', page, re.S)
    assert len(hit) == 1
    assert "F02" in hit[0]
    assert "第三百九十九条" in hit[0]
    assert translator("zh")("appraisal_report.ineligible") in page


def test_earlier_valuations_stand_beside_this_one():
    stated = {"first_value": 4_000_000.0, "first_valued_on": "2024-11-20", "last_value": 5_000_000.0,
              "last_valued_on": "2025-11-20"}  # fmt: skip
    answer, application = changed("forest_right", **stated)
    found = part_of(appraisal_report(answer, application, lang="zh"), "valuations")
    lent = answer["pledges"][0]["lending_value"]
    for value in (4_000_000.0, 5_000_000.0):
        assert wan(value) in found
        assert percent(lent / value) in found
    assert found.index("2024年11月20日") < found.index("2025年11月20日") < found.index("2026年11月23日")


def test_a_stale_outside_report_is_a_special_matter():
    answer, application = changed("forest_right", stated_value=5e6, stated_on="2024-01-01")
    page = appraisal_report(answer, application, lang="en")
    assert translator("en")("appraisal_report.stale") in part_of(page, "special")


def test_the_excluded_area_is_the_declared_less_the_valued_one():
    # 100 ha declared, 90 ha valued: 1 500, 1 350 and 150 mu
    answer, application = changed("forest_right", effective_area=90.0)
    frame = part_of(appraisal_report(answer, application, lang="zh"), "frame")
    assert all(f"{mu} 亩" in frame for mu in ("1,500", "150", "1,350"))


def test_personal_fields_are_masked_by_their_level_of_privacy():
    names = {"tree_owner": "欧阳某某", "land_owner": "某村民小组", "contractor": "某村委会"}
    answer, application = changed("forest_right", **names)
    page = appraisal_report(answer, application, lang="zh")
    assert not [name for name in names.values() if name in page]
    assert f"欧{HIDDEN}" in page
    holder = {"holder_name": "某某供水公司", "holder_id": "919999990000000177"}
    answer, application = changed("water_right", **holder)
    page = appraisal_report(answer, application, lang="en")
    assert not [name for name in holder.values() if name in page]
    assert f"{HIDDEN}0177" in page


def test_no_field_from_level_four_on_is_ever_written_out():
    for kind in KINDS:
        for field in contract(kind).fields:
            if field.privacy >= 4 and field.type == "text":
                assert masked("abcdefghijkl", field) in (f"a{HIDDEN}", f"{HIDDEN}ijkl"), (kind, field.name)
    assert masked("1234567", Field(name="x", column="x", type="text", privacy=5)) == HIDDEN


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_carries_its_own_style_and_names_no_address(lang):
    page = appraisal_report(*example("order"), lang=lang)
    assert page.count("<style>") == 1
    assert not re.search(r"<script|<link|href=|src=|url\(", page)


def test_what_is_submitted_is_escaped():
    answer, application = changed("forest_right", species_text="<img src=x>", local_name="<b>x</b>")
    answer["pledges"][0]["appraisal"]["steps"][0]["zh"] = "<i>y</i>"
    page = appraisal_report(answer, application, lang="zh")
    assert "<img" not in page
    assert "<b>x" not in page
    assert "<i>" not in page


def test_synthetic_input_is_marked_and_other_input_is_not():
    answer, application = example("forest_right")
    said = translator("zh")("appraisal_report.synthetic")
    assert said in appraisal_report(answer, application, lang="zh")
    assert said not in appraisal_report(answer, application | {"synthetic": False}, lang="zh")


def test_one_pledge_alone_is_reported_as_the_door_for_one_pledge_takes_it():
    _, application = example("forest_right")
    raw = {"as_of": application["as_of"], "term_months": 36, "pledge": application["pledges"][0]}
    page = appraisal_report(House().appraise(raw, load(), None), raw, lang="zh")
    assert page.count("<article") == 1


def test_a_rulebook_that_is_not_the_answers_is_said_to_be_another():
    answer, application = example("forest_right")
    said = translator("zh")("appraisal_report.other_rules")
    assert said not in appraisal_report(answer, application, lang="zh")
    answer["provenance"]["rules_hash"] = "00" * 32
    assert said in appraisal_report(answer, application, lang="zh")


def old(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer as it was recorded before it told gates, assumptions, drivers, stress and the next valuation."""
    found = copy.deepcopy(answer)
    for pledge in found["pledges"]:
        for key in NEW_KEYS:
            del pledge[key]
        for key in NEW_IN_APPRAISAL:
            del pledge["appraisal"][key]
        for step in pledge["appraisal"]["steps"]:
            del step["formula"], step["working"]
        pledge["gep"] = {key: pledge["gep"][key] for key in ("entitled_cny_per_year", "public_benefit_cny_per_year")}
        pledge["recovery"] = {end: pledge["recovery"][end] for end in ("low", "central", "high")}
    return found


SCORE: dict[str, Any] = {
    "decision_id": "d-1", "application_id": "A-1",
    "pd": {"value": 0.03, "low": 0.02, "high": 0.04, "horizon_months": 12},
    "lgd": {"value": 0.3, "low": 0.2, "high": 0.4}, "regulatory_lgd": 0.4, "expected_loss_rate": 0.01, "score": 600.0,
    "grade": "B", "recommendation": "approve", "max_loan": 1e6, "rate_floor": 0.05, "conditions": [], "reasons": [],
    "out_of_scope": False,
}  # fmt: skip
"""What a score adds to an appraisal."""


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_recorded_before_still_gives_a_memo_and_a_report(kind, lang):
    answer, application = example(kind)
    before = old(answer) | SCORE
    central = answer["pledges"][0]["appraisal"]["central"]
    for page in (memo(before, application, lang=lang), appraisal_report(before, application, lang=lang)):
        assert wan(central) in page or number(central) in page
        assert "None" not in text_of(page) or lang == "en"


def test_a_memo_shows_workings_drivers_stress_and_the_cross_check():
    answer, application = example("forest_right")
    page = text_of(memo(answer | SCORE, application, lang="zh"))
    pledge = answer["pledges"][0]
    assert pledge["gep"]["differs"]
    said = [step["working"] for step in pledge["appraisal"]["steps"]] + [one["zh"] for one in pledge["stress"]]
    said += [one["zh"] for one in pledge["appraisal"]["drivers"][:2]]
    said.append(brief(pledge["gep"]["norm_over_flows"], 2))
    assert [words for words in said if words not in page] == []


@pytest.mark.parametrize(
    ("article", "words"),
    [("第四十七条、第五十五条", "Art. 47, Art. 55"), ("第十八条", "Art. 18"), ("第三百零一条", "Art. 301"),
     ("第四百一十四条", "Art. 414"), ("第十条", "Art. 10"), ("16", "16")],
)  # fmt: skip
def test_an_article_of_a_chinese_law_has_a_number_in_english(article, words):
    assert article_words(article, "en") == words
    assert article_words(article, "zh") == article


def test_chinese_paper_writes_land_by_mu_and_water_by_ten_thousand_cubic_metres():
    t = translator("zh")
    area, volume = contract("forest_right").field("area"), contract("water_right").field("annual_volume")
    assert on_paper(100.0, area, lang="zh", t=t) == "1,500 亩"
    stock = contract("forest_right").field("stock_per_area")
    assert (label(stock, "zh"), on_paper(180.0, stock, lang="zh", t=t)) == ("每亩蓄积", "12 m³/亩")  # 180 / 15
    assert on_paper(1_200_000.0, volume, lang="zh", t=t) == "120 万m³/年"
    assert on_paper(100.0, area, lang="en", t=translator("en")) == "100 ha"
    assert on_paper(1998, contract("forest_right").field("planting_year"), lang="zh", t=t) == "1998"
