"""One field is checked as the whole form would be, and nothing is said about fields not yet reached."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from desk_fakes import Visitor
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.contracts import contract, pledge_kinds
from serving.web.desk import checked
from serving.web.examples import example
from serving.web.form import write_form
from serving.web.live import check_field, needed, spot, together
from serving.web.order import steps_of

KINDS = pledge_kinds()


def ask(visitor: Visitor, kind: str, path: str, lang: str = "zh", **raw: str):
    return visitor.post(f"/apply/{kind}/check", params={"field": path, "lang": lang}, data=raw)


def wrong(kind: str, path: str, **raw: str) -> dict[str, str]:
    return {where: broken.rule for where, broken in check_field(kind, path, raw).items() if broken}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_said_about_any_field_of_a_good_application(kind):
    raw = write_form(kind, example(kind))
    for path in [name for name in raw if ":" not in name]:
        posted = {name: raw[name] for name in needed(kind, path) if name in raw}
        assert not any(check_field(kind, path, posted).values()), path


TEXTS = ["", " ", "0", "-1", "1e9", "999999999999999999", "12.5", "是", "yes", "2026-02-30", "2026-11-23", "x" * 500,
         "a\x00b", "１２", "939999990000000197", "; DROP", "other"]
BETWEEN = {"not_after", "at_most", "at_most_times", "sum_at_most", "sum_at_most_field", "required_with"}


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(KINDS), text=st.sampled_from(TEXTS))
def test_whatever_is_typed_the_check_of_the_field_agrees_with_the_whole_form(data, kind, text):
    raw = write_form(kind, example(kind))
    path = data.draw(st.sampled_from([name for name in raw if ":" not in name]))
    raw[path] = text
    whole = {v.field: v.rule for v in checked(kind, raw).violations}
    said = wrong(kind, path, **{name: raw[name] for name in needed(kind, path) if name in raw})
    if BETWEEN & set(said.values()):
        assert whole  # the whole form stops at the first rule between fields that is broken
    else:
        assert said == ({path: whole[path]} if path in whole else {})


WRONG = [
    ("forest_right", {"pledges[0].area": "many"}),
    ("forest_right", {"pledges[0].area": "0"}),
    ("forest_right", {"borrower.id_no": "939999990000000198"}),
    ("forest_right", {"loan.annual_rate": "50"}),
    ("forest_right", {"loan.term_months": "12.5"}),
    ("forest_right", {"pledges[0].contract_to": "2026-02-30"}),
    ("forest_right", {"pledges[0].effective_area": "9000"}),
    ("water_right", {"pledges[0].valid_to": "1999-01-01", "pledges[0].valid_from": "2001-01-01"}),
    ("water_right", {"pledges[0].transferable_volume": "999999"}),
    ("order", {"borrower.area_code": "12"}),
    ("order", {"borrower.borrower_name": "x" * 300}),
]


@pytest.mark.parametrize(("kind", "changed"), WRONG)
def test_the_check_of_a_field_says_what_the_whole_form_would_say(kind, changed):
    raw = write_form(kind, example(kind)) | changed
    whole = {v.field: v.rule for v in checked(kind, raw).violations}
    assert whole
    said: dict[str, str] = {}
    for path in changed:
        said |= wrong(kind, path, **{name: raw[name] for name in needed(kind, path) if name in raw})
    assert said == whole


def test_a_rule_between_two_fields_is_seen_from_either_side_and_taken_back():
    dates = {"pledges[0].valid_from": "2030-01-01", "pledges[0].valid_to": "2027-01-01"}
    assert wrong("water_right", "pledges[0].valid_to", **dates) == {"pledges[0].valid_from": "not_after"}
    assert wrong("water_right", "pledges[0].valid_from", **dates) == {"pledges[0].valid_from": "not_after"}
    mended = check_field("water_right", "pledges[0].valid_to", dates | {"pledges[0].valid_to": "2031-01-01"})
    assert mended == {"pledges[0].valid_from": None, "pledges[0].valid_to": None}


def test_a_field_not_reached_yet_is_not_complained_about():
    # a stated value asks for its day, which stands further down the form
    assert wrong("forest_right", "pledges[0].stated_value", **{"pledges[0].stated_value": "90"}) == {}
    assert wrong("forest_right", "pledges[0].stated_on", **{"pledges[0].stated_value": "90"}) == {
        "pledges[0].stated_on": "required_with"
    }


def test_only_the_field_and_those_tied_to_it_are_posted():
    assert needed("forest_right", "borrower.borrower_name") == ("borrower.borrower_name",)
    assert needed("forest_right", "borrower.id_no") == ("borrower.id_type", "borrower.id_no")
    assert set(needed("forest_right", "pledges[2].area")) == {
        "pledges[2].area", "unit:pledges[2].area", "pledges[2].effective_area", "unit:pledges[2].effective_area"
    }
    assert together(contract("order").root, "past_due")[0] == ("past_due",)


@pytest.mark.parametrize("path", ["", "kind", "pledges[0].kind", "pledges[0].nobody", "pledges.area", "__class__",
                                  "borrower[0].id_no", "pledges[0].gep_flows[0].area", "a" * 5000])
def test_a_path_that_is_no_field_of_the_form_is_not_found(visitor, path):
    assert spot("forest_right", path) is None
    assert ask(visitor, "forest_right", path).status_code == 404


def test_a_complaint_comes_as_a_piece_of_the_page_in_the_language_of_the_page(visitor):
    zh = ask(visitor, "forest_right", "loan.annual_rate", **{"loan.annual_rate": "50"})
    en = ask(visitor, "forest_right", "loan.annual_rate", "en", **{"loan.annual_rate": "50"})
    assert "不得大于 36 %" in zh.text and "must be at most 36 %" in en.text
    assert "<html" not in zh.text
    assert ask(visitor, "order", "loan.annual_rate", **{"loan.annual_rate": "5"}).text.strip() == ""


def test_a_complaint_about_a_tied_field_goes_to_its_own_place(visitor):
    dates = {"pledges[0].valid_from": "2030-01-01", "pledges[0].valid_to": "2027-01-01"}
    text = ask(visitor, "water_right", "pledges[0].valid_to", **dates).text
    assert re.search(r'<div id="f-pledges-0-valid_from-said" hx-swap-oob="innerHTML"><p class="error">', text)


def test_a_complaint_names_the_fields_it_compares(visitor):
    parts = {"pledges[0].annual_volume": "10", "pledges[0].surface_volume": "8", "pledges[0].ground_volume": "5"}
    for lang, names in (("zh", "年许可地下水量、年许可取水量"), ("en", "Permitted groundwater, Permitted volume")):
        text = ask(visitor, "water_right", "pledges[0].surface_volume", lang, **parts).text
        assert names in text


def test_a_check_never_repeats_the_value_and_scores_nothing(visitor):
    text = ask(visitor, "order", "borrower.id_no", **{"borrower.id_no": "A9Z<b>", "borrower.id_type": "uscc"}).text
    assert "error" in text and "A9Z" not in text
    assert visitor.pipeline.scored == 0


def test_a_check_from_another_site_or_of_an_unknown_kind_is_refused(visitor):
    address = "/apply/order/check?field=loan.purpose"
    assert visitor.post(address, data={}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert visitor.post("/apply/house/check?field=loan.purpose", data={}).status_code == 404


FOLDERS = [files("serving.web").joinpath("static", "vendor"), Path(__file__).parent / "vendor"]


@pytest.mark.parametrize("folder", FOLDERS, ids=["page", "tests"])
def test_a_vendored_file_is_the_published_one_and_has_its_licence_beside_it(folder):
    listed = yaml.safe_load(folder.joinpath("VENDORED.yaml").read_text("utf-8"))
    assert {entry.name for entry in folder.iterdir() if entry.name.endswith(".js")} == {one["file"] for one in listed}
    for one in listed:
        assert hashlib.sha256(folder.joinpath(one["file"]).read_bytes()).hexdigest() == one["sha256"]
        assert folder.joinpath(one["licence_file"]).read_text("utf-8").strip()


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_stands_under_one_step_of_the_officers_order(kind):
    required = [one.name for one in contract(kind).root.fields if one.required and one.name != "kind"]
    steps = steps_of(kind, required)
    assert sorted(name for step in steps for name in step.fields) == sorted(required)
    assert steps[0].code == "title" and "other" not in [step.code for step in steps]
    plain = [f"{one.group}.{one.name}".strip(".") for one in contract("application").fields]
    codes = [step.code for step in steps_of("application", plain)]
    assert codes == ["borrower", "record", "request", "cash", "security"]
