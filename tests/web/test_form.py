"""The form shows every field of the contracts in both languages and loses nothing on the way."""

from __future__ import annotations

import dataclasses

import pytest

from eco_credit.contracts import contract, pledge_kinds, read_application
from eco_credit.core.errors import Violation
from serving.web.complaints import _widgets, by_path
from serving.web.desk import checked, key_for, resized
from serving.web.examples import example
from serving.web.form import read_form, write_form
from serving.web.language import words_of
from serving.web.view import FormView

KINDS = pledge_kinds()


def widgets(kind, lang="zh", raw=None, errors=None):
    view = FormView(kind, lang, words_of(lang), raw or {}, errors or {})
    return {widget.path: widget for widget in _widgets(view.sections())}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_the_contracts_is_on_the_form_with_its_label(kind, lang):
    shown = widgets(kind, lang)
    fields = {f"{one.group}.{one.name}".strip("."): one for one in contract("application").fields}
    fields |= {f"pledges[0].{one.name}": one for one in contract(kind).root.fields if one.name != "kind"}
    for path, one in fields.items():
        # a number that may be written for mu or hectare is not labelled as one for hectares
        label = shown[path].label.replace("每亩（公顷）", "每公顷").replace("per mu or hectare", "per hectare")
        assert label == getattr(one, f"label_{lang}")
        assert shown[path].required == one.required
    assert set(shown) == set(fields)


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_goes_through_the_form_unchanged_and_is_accepted(kind):
    given = example(kind)
    reading = read_form(kind, write_form(kind, given))
    assert reading.violations == []
    assert reading.application == given
    assert read_application(given)["synthetic"] is True


def test_a_new_field_of_a_contract_appears_on_the_form_by_itself():
    body = contract("water_right").root
    new = dataclasses.replace(body.fields[-1], name="fish_pass", label_zh="鱼道", label_en="Fish pass")
    view = FormView("water_right", "en", words_of("en"), {}, {})
    section = view.section(dataclasses.replace(body, fields=(*body.fields, new)), "pledges[0]", "x")
    assert "Fish pass" in [w.label for w in (*section.required, *section.optional)]


def folds(kind, lang="zh", errors=None):
    view = FormView(kind, lang, words_of(lang), {}, errors or {})
    return view.section(contract(kind).root, "pledges[0]", "x").folds


@pytest.mark.parametrize("kind", KINDS)
def test_optional_fields_of_a_pledge_are_folded_under_their_topics(kind):
    titles = [fold.title.split("（")[0] for fold in folds(kind)]
    assert titles == [text for text in ("权属", "林分", "许可", "交易", "登记与估值记录", "估价参数") if text in titles]
    assert {"登记与估值记录", "估价参数"} <= set(titles)
    optional = [one.name for one in contract(kind).root.fields if not one.required]
    assert sorted(w.path for fold in folds(kind) for w in fold.widgets) == sorted(f"pledges[0].{n}" for n in optional)
    assert not any(fold.unfolded for fold in folds(kind))


def test_only_the_topic_of_a_wrong_field_is_opened():
    wrong = by_path([Violation("pledges[0].composition", "identifier", "check it", "请核对")])
    opened = [fold.title for fold in folds("forest_right", "en", wrong) if fold.unfolded]
    assert [title.split(" (")[0] for title in opened] == ["Stand"]


def test_optional_fields_without_a_topic_come_first_under_the_plain_line():
    body = contract("water_right").root
    plain = dataclasses.replace(body.fields[-1], name="fish_pass", required=False, topic=None)
    odd = dataclasses.replace(plain, name="ladder", topic="fish")
    view = FormView("water_right", "en", words_of("en"), {}, {})
    section = view.section(dataclasses.replace(body, fields=(*body.fields, plain, odd)), "pledges[0]", "x")
    assert section.folds[0].title == "Optional fields (1)"
    assert section.folds[-1].title == "fish (1 optional fields)"


def test_blank_is_left_out_and_never_becomes_zero():
    application = read_form("forest_right", {"loan.amount_requested": " ", "borrower.bad_record": ""}).application
    assert application["loan"] == {}
    assert application["borrower"] == {}
    assert application["pledges"] == [{"kind": "forest_right"}]


def test_a_text_that_is_no_number_is_complained_about_once_at_its_field():
    found = [v for v in checked("forest_right", {"pledges[0].area": "many"}).violations if v.field == "pledges[0].area"]
    assert [v.rule for v in found] == ["number"]


def test_a_whole_number_is_asked_for_where_the_contract_asks_for_one():
    reading = read_form("forest_right", {"loan.term_months": "12.5"})
    assert [(v.field, v.rule) for v in reading.violations] == [("loan.term_months", "integer")]


def test_a_bound_is_told_in_the_unit_of_paper():
    # the contract allows a rate up to 0.36, typed as 36 %
    broken = by_path([Violation("loan.annual_rate", "maximum", "give at most 0.36", "不得大于0.36")])
    assert "36 %" in widgets("order", "en", errors=broken)["loan.annual_rate"].error


def test_control_characters_are_refused_and_not_repeated():
    reading = read_form("order", {"borrower.borrower_name": "A\x00B"})
    assert [(v.field, v.rule) for v in reading.violations] == [("borrower.borrower_name", "characters")]
    assert "A" not in reading.violations[0].zh


def test_a_pledge_can_be_added_and_taken_away_again():
    more = resized({"count:pledges": "1", "add": "pledges"})
    assert more == {"count:pledges": "2", "open:pledges": "1"}
    assert "pledges[1].pledge_id" in widgets("order", raw=more)
    assert resized({"count:pledges": "2", "drop": "pledges"}) == {"count:pledges": "1", "open:pledges": "1"}


def test_a_form_without_any_pledge_still_shows_one():
    assert "pledges[0].pledge_id" in widgets("order", raw={"count:pledges": "0"})


def test_a_list_grows_no_longer_than_the_page_offers():
    shown = widgets("order", raw={"count:pledges": "999"})
    assert "pledges[19].pledge_id" in shown
    assert "pledges[20].pledge_id" not in shown


def test_the_same_sheet_has_one_key_until_it_is_changed():
    sheet = {"form_id": "a" * 32}
    assert key_for(sheet, {"n": 1}) == key_for(sheet, {"n": 1})
    assert key_for(sheet, {"n": 1}) != key_for(sheet, {"n": 2})
