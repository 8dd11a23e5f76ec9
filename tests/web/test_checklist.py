"""The list of papers: complete by stage, in both languages, with a source each, and sent nowhere."""

from __future__ import annotations

import re

import pytest

from eco_credit.contracts import pledge_kinds
from serving.web.checklist import data, sources, stages

KINDS = pledge_kinds()
ORDER = ["application", "approval", "payout", "monitoring", "disposal"]


def test_every_paper_has_words_issuer_stage_and_source():
    names = [one["id"] for one in data()["papers"]]
    assert len(names) == len(set(names))
    for one in data()["papers"]:
        for said in (one, one["by"], one.get("when", {"zh": "是", "en": "x"}), data()["sources"][one["source"]]):
            assert re.search("[\u4e00-\u9fff]", said["zh"]) and not re.search("[\u4e00-\u9fff]", said["en"]), one["id"]
        assert one["stages"] == [stage for stage in ORDER if stage in one["stages"]] != []
        assert set(one.get("kinds", KINDS)) <= set(KINDS)
    assert {one["source"] for one in data()["papers"]} == set(data()["sources"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_stage_of_a_kind_has_papers_of_its_own_and_of_every_case(kind):
    found = stages(kind, "zh")
    assert [stage.code for stage in found] == ORDER
    own = {one["zh"] for one in data()["papers"] if kind in one.get("kinds", ())}
    for stage in found:
        titles = {paper.title for paper in stage.papers}
        assert titles & own or (kind, stage.code) in {("water_right", "payout")}
        assert titles - own
    assert sources(kind, "en")


def test_the_papers_of_one_kind_are_not_asked_of_another():
    assert "取水许可证" not in str(stages("forest_right", "zh"))
    assert "林权证" not in str(stages("order", "zh"))


def test_the_certificate_stays_in_the_file_to_the_end_and_the_appraisal_comes_before_payout():
    forest = {stage.code: [paper.title for paper in stage.papers] for stage in stages("forest_right", "en")}
    assert all("Certificate of the forest right" in forest[stage] for stage in ORDER)
    assert not any("appraisal report" in title for title in forest["payout"])
    assert any("appraisal report" in title for title in forest["approval"])


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_lists_each_paper_with_a_box_of_its_own_outside_any_form(visitor, kind, lang):
    page = visitor.get(f"/papers/{kind}?lang={lang}")
    assert page.status_code == 200
    boxes = re.findall(r'<input type="checkbox" id="([^"]+)"', page.text)
    assert len(boxes) == len(set(boxes)) == sum(len(stage.papers) for stage in stages(kind, lang))
    assert "<form" not in page.text and 'type="checkbox" name' not in page.text


def test_the_form_shows_the_papers_of_its_first_stage_outside_the_form_that_is_sent(visitor):
    page = visitor.get("/apply/forest_right").text
    before, form = page.split('class="application"')
    assert before.count('type="checkbox"') == len(stages("forest_right", "zh")[0].papers)
    assert 'type="checkbox"' not in form
    assert 'href="/papers/forest_right?lang=zh"' in before


def test_there_is_no_list_for_an_unknown_kind(visitor):
    assert visitor.get("/papers/house").status_code == 404
