"""Memo and decision sheet say all that their forms ask for, out of the record alone, the same in both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from paper_cases import CANARY, DECISION, EARLIER, KINDS, LATER, record, words_of

from eco_credit.reports.desk_form import desk_number
from eco_credit.reports.formats import capitals
from eco_credit.reports.papers import Paper, Record, decision_sheet, investigation_memo, to_html
from eco_credit.reports.papers.html import stylesheet

PAPERS = {"memo": investigation_memo, "sheet": decision_sheet}
FIGURE = re.compile(r"¥?\d[\d,]*(?:\.\d+)?%?")


def page(paper: Paper) -> str:
    return " ".join(words_of(to_html(paper)))


def wan(yuan: float) -> str:
    return desk_number(yuan, "CNY")


def percent(ratio: float) -> str:
    return desk_number(ratio, "ratio") + "%"


def of_the_case(answer: Any, application: Any) -> list[str]:
    """Figures of the request and the recommendation that both papers carry."""
    loan = application["loan"]
    whole = sum(pledge["appraisal"]["central"] for pledge in answer["pledges"])
    return [
        DECISION, answer["application_id"], application["borrower"]["borrower_name"], loan["purpose"],
        wan(loan["amount_requested"]), str(int(loan["term_months"])), percent(loan["annual_rate"]),
        "123.45", "¥1,234,450.00", capitals(1_234_450.0), "5.29%", "612", "B2", "3.12%", "2.01% – 4.67%", "38.00%",
        "30.00% – 47.00%", "45.00%", "1.19%",
        percent(loan["amount_requested"] / whole), percent(1_234_450.0 / whole),
        "C02", "-18.4", "C07", "+12.0",
    ]  # fmt: skip


def of_a_pledge(pledge: Any) -> list[str]:
    """Figures of a pledge that the memo carries."""
    value, recovery = pledge["appraisal"], pledge["recovery"]
    money = [value[end] for end in ("low", "central", "high")] + [recovery[end] for end in ("low", "central", "high")]
    money += [pledge["lending_value"], recovery["first_auction"], recovery["second_auction"]]
    money += [one[name] for one in pledge["stress"] for name in ("value", "lending_value")]
    money += [one[name] for one in value["drivers"][:2] for name in ("value_at_low", "value_at_high")]
    money += [pledge["gep"][name] for name in ("entitled_cny_per_year", "paid_cny_per_year",
                                               "public_benefit_cny_per_year")]  # fmt: skip
    said = [wan(amount) for amount in money] + [percent(cut["ratio"]) for cut in pledge["haircuts"]]
    said += [cut["rule"] for cut in pledge["haircuts"]] + [percent(pledge["cap"]["ratio"]), pledge["cap"]["rule"]]
    said += [step["working"] for step in value["steps"]] + [desk_number(s["value"], s["unit"]) for s in value["steps"]]
    return [pledge["pledge_id"], percent(pledge["revaluation"]["price_fall"]), *said]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_memo_carries_every_figure_its_nine_parts_ask_for(kind, lang):
    found = record(kind)
    text = page(investigation_memo(found, lang=lang))
    asked = of_the_case(found.answer, found.application)
    for pledge in found.answer["pledges"]:
        asked += of_a_pledge(pledge)
    assert [figure for figure in asked if figure and figure not in text] == []


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sheet_carries_every_figure_its_form_asks_for(kind, lang):
    found = record(kind)
    text = page(decision_sheet(found, lang=lang))
    asked = of_the_case(found.answer, found.application)
    for pledge in found.answer["pledges"]:
        central, lending = pledge["appraisal"]["central"], pledge["lending_value"]
        asked += [wan(central), wan(lending), percent(lending / central), percent(pledge["cap"]["ratio"])]
    asked += [condition[lang] for condition in found.answer["conditions"]]
    assert [figure for figure in asked if figure not in text] == []


@pytest.mark.parametrize("name", PAPERS)
@pytest.mark.parametrize("kind", KINDS)
def test_both_languages_print_the_same_figures_in_the_same_order(kind, name):
    found = record(kind, (EARLIER, LATER))
    shown = []
    for lang in ("zh", "en"):
        blocks = [block for part in PAPERS[name](found, lang=lang).parts for block in part.blocks]
        facts = [(fact.text, fact.exact) for block in blocks if block.type == "facts" for fact in block.facts]
        cells = [cell for block in blocks if block.type == "table" for row in block.rows for cell in row]
        shown.append([
            [text for text, _ in facts if FIGURE.fullmatch(text)], [exact for _, exact in facts],
            [cell for cell in cells if FIGURE.fullmatch(cell)],
        ])  # fmt: skip
    assert shown[0] == shown[1]
    assert len(shown[0][0]) > 10


def test_the_parts_of_a_memo_stand_in_the_order_of_the_house_rule():
    titles = [part.title for part in investigation_memo(record("order"), lang="zh").parts]
    assert titles == [
        "", "一、调查方式与资料认定", "二、客户基本情况及主体资格", "三、信用情况", "四、财务、经营与行业",
        "五、债项分析", "六、担保分析", "七、风险与控制措施", "八、综合效益", "九、结论",
    ]  # fmt: skip


def test_what_only_a_person_knows_is_a_labelled_blank():
    paper = investigation_memo(record("forest_right"), lang="zh")
    blocks = [block for part in paper.parts for block in part.blocks]
    blanks = [fact.label for block in blocks if block.type == "facts" for fact in block.facts if fact.text == ""]
    assert {"送审机构", "客户经理", "联系电话", "征信报告查询日期", "业务品种", "拟定五级分类"} <= set(blanks)
    assert all(block.label for block in blocks if block.type == "blank")
    # nothing of the model's is put where a person has to write
    assert [one for one in blanks if "评分" in one or "违约" in one] == []


def test_items_left_blank_are_listed_and_ask_for_a_reason():
    paper = investigation_memo(record("forest_right"), lang="zh")
    tables = [block for block in paper.parts[1].blocks if block.type == "table"]
    rows = next(table.rows for table in tables if table.title.startswith("未填项目及原因"))
    assert ("第一还款来源", "") in rows  # the example does not state it
    assert ("申请金额（万元）", "") not in rows


def test_each_stated_figure_names_the_paper_it_is_from():
    text = page(investigation_memo(record("forest_right"), lang="zh"))
    assert re.search(r"申请金额（万元） ([①-⑳]) .*?来源：.*?\1 申请书", text)


def test_what_a_person_decided_is_shown_with_the_departure_and_what_it_replaced():
    text = page(decision_sheet(record("forest_right", (EARLIER, LATER)), lang="zh"))
    assert "150.00" in text  # 1 500 000 yuan granted
    assert "批复金额高于建议最高贷款额 123.45（万元）" in text
    assert "批复年利率低于利率下限 5.29%" in text
    assert "补充抵押后同意" in text and "2026年11月25日 15:30" in text  # 07:30 UTC
    assert "2026年11月24日 10:00 · E1001 · 续议 · 先核实采伐证" in text
    assert "审批意见与系统建议不一致" not in text
    text = page(decision_sheet(record("forest_right", (EARLIER,)), lang="zh"))
    assert "系统建议“同意或有条件同意”，审批意见“续议”" in text


@pytest.mark.parametrize(("decided", "ticked"), [("refer", ["续议"]), ("decline", ["否决"]), ("approve", [])])
def test_a_recorded_decision_ticks_its_box_where_it_has_one_box(decided, ticked):
    paper = decision_sheet(record("order", (EARLIER | {"decided": decided},)), lang="zh")
    boxes = next(block for block in paper.parts[-1].blocks if block.type == "ticks")
    assert [text for text, _ in boxes.choices] == ["同意", "有条件同意", "续议", "否决"]
    assert [text for text, is_ticked in boxes.choices if is_ticked] == ticked


def test_without_a_recorded_decision_the_paper_says_so_and_ticks_nothing():
    paper = decision_sheet(record("order"), lang="zh")
    assert "尚无已登记的审批意见" in page(paper)
    assert not any(ticked for part in paper.parts for block in part.blocks if block.type == "ticks"
                   for _, ticked in block.choices)  # fmt: skip


@pytest.mark.parametrize("name", PAPERS)
def test_the_chain_of_signatures_is_printed(name):
    text = page(PAPERS[name](record("order"), lang="zh"))
    chains = {"memo": ("主办客户经理", "协办", "部门负责人", "审查人", "审批人"),
              "sheet": ("主办客户经理", "协办客户经理", "支行负责人", "审查人", "审贷会", "有权审批人")}  # fmt: skip
    places = [text.rindex(f"{who}") for who in chains[name]]
    assert "模型结果仅供参考" in text
    assert len(places) == len(chains[name])


@pytest.mark.parametrize("name", PAPERS)
def test_a_synthetic_model_marks_the_head_of_every_page_and_a_real_one_does_not(name):
    given = record("order")
    assert '<strong class="mark">合成数据演示，不得用于真实授信</strong>' in to_html(PAPERS[name](given, lang="zh"))
    application = dict(given.application) | {"synthetic": False}
    real = given.answer["provenance"] | {"synthetic_model": False}
    plain = PAPERS[name](Record(dict(given.answer) | {"provenance": real}, application), lang="zh")
    assert plain.mark == "" and "合成" not in page(plain).replace("合成数据模型", "")


def test_the_print_style_is_a4_numbers_the_pages_repeats_heads_and_loads_nothing():
    css = stylesheet()
    assert re.search(r"@page \{ size: A4 portrait;[^}]*counter\(page\) \" / \" counter\(pages\)", css)
    assert ".rows thead { display: table-header-group; }" in css
    assert re.findall(r"url\(|@import|https?:", css) == []
    assert re.search(r"@media print \{[^@]*\.bar \{ display: none; \}", css)


def test_a_sensitive_number_is_shown_by_its_last_four_letters_only():
    for name in PAPERS:
        text = to_html(PAPERS[name](record("forest_right"), lang="zh"))
        assert CANARY not in text
    assert "＊＊0197" in to_html(investigation_memo(record("forest_right"), lang="zh"))


def test_a_stock_by_area_is_labelled_by_the_unit_it_is_printed_in():
    # 180 m3/ha / 15 = 12 m3 a 亩
    assert "Stock per mu (m³/mu)" in page(investigation_memo(record("forest_right"), lang="en"))
    assert "每亩蓄积（m³/亩）" in page(investigation_memo(record("forest_right"), lang="zh"))


def test_a_name_is_escaped():
    given = record("order")
    borrower = given.application["borrower"] | {"borrower_name": "<script>x</script>"}
    text = to_html(investigation_memo(Record(given.answer, dict(given.application) | {"borrower": borrower})))
    assert "<script" not in text and "&lt;script&gt;" in text
