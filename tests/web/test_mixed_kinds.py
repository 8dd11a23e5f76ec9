"""One application with pledges of several kinds: filled in, checked, decided and corrected on one form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from desk_fakes import Visitor
from test_nothing_lost import fields

from eco_credit.contracts import pledge_kinds, read_application
from serving.web.desk import checked
from serving.web.form import read_form, write_form

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS = pledge_kinds()


def example(kind: str) -> dict:
    return json.loads((EXAMPLES / f"{kind}.json").read_text("utf-8"))


def mixed(first: str) -> dict:
    """The example of a kind with the pledges of the other kinds behind its own."""
    others = [example(kind)["pledges"][0] for kind in KINDS if kind != first]
    return example(first) | {"pledges": [*example(first)["pledges"], *others]}


@pytest.mark.parametrize("kind", KINDS)
def test_pledges_of_several_kinds_go_through_the_form_unchanged(kind):
    given = mixed(kind)
    reading = read_form(kind, write_form(kind, given))
    assert reading.violations == [] and reading.application == given
    assert read_application(reading.application)


def test_what_is_wrong_is_said_by_the_rules_of_the_kind_of_the_pledge():
    raw = write_form("forest_right", mixed("forest_right"))
    place = next(i for i, one in enumerate(mixed("forest_right")["pledges"]) if one["kind"] == "water_right")
    raw[f"pledges[{place}].permit_no"] = ""
    assert f"pledges[{place}].permit_no" in [one.field for one in checked("forest_right", raw).violations]


def test_a_pledge_of_another_kind_is_added_filled_in_and_decided(visitor: Visitor):
    typed = write_form("forest_right", example("forest_right"))
    page = visitor.post("/apply/forest_right?lang=zh", data=typed | {"add": "pledges:water_right"})
    assert page.status_code == 200 and "取水权（第2项）" in page.text and "林权（第1项）" in page.text
    assert 'name="pledges[1].permit_no"' in page.text and 'name="pledges[1].area"' not in page.text
    assert "/apply/water_right/check?lang=zh&amp;field=pledges%5B1%5D.permit_no" in page.text
    kept = fields(page.text)
    assert kept["pledges[1].kind"] == "water_right" and kept["count:pledges"] == "2"
    whole = write_form("forest_right", example("forest_right") | {"pledges": [
        example("forest_right")["pledges"][0], example("water_right")["pledges"][0]]})  # fmt: skip
    done = visitor.post("/apply/forest_right?lang=zh", data=whole)
    assert done.url.path.startswith("/decisions/")
    number = done.url.path.rsplit("/", 1)[1]
    again = fields(visitor.get(f"/apply/forest_right?from={number}&lang=zh").text)
    assert again["pledges[1].kind"] == "water_right" and again["pledges[1].permit_no"] == whole["pledges[1].permit_no"]
    assert visitor.get(f"/apply/water_right?from={number}&lang=zh").status_code == 404


@pytest.mark.parametrize("kind", ["gold", "../x", "<b>", ""])
def test_a_kind_that_does_not_exist_is_one_of_the_form(visitor: Visitor, kind: str):
    typed = write_form("order", example("order")) | {"count:pledges": "2", "pledges[1].kind": kind, "resume": "1"}
    page = visitor.post("/apply/order?lang=en", data=typed)
    assert page.status_code == 200 and "Product order no. 2" in page.text and "<b>" not in page.text
    assert 'name="pledges[1].kind"' not in page.text


def test_a_pledge_taken_away_leaves_no_kind_behind(visitor: Visitor):
    typed = write_form("order", mixed("order"))
    page = visitor.post("/apply/order?lang=zh", data=typed | {"drop": "pledges"})
    kept = fields(page.text)
    assert kept["count:pledges"] == "2" and "pledges[2].kind" not in kept
    page = visitor.post("/apply/order?lang=zh", data=kept | {"add": "pledges"})
    assert "产品订单（第3项）" in page.text
