"""The papers of the three pledges as fields, and the rules between their numbers."""

from __future__ import annotations

from typing import Any

import pytest
from contract_rows import broken, changed

from eco_credit.contracts import (
    check_columns,
    code_list,
    column_violations,
    contract,
    example_application,
    pledge_kinds,
    read_application,
    to_flat,
)
from eco_credit.contracts.texts import sentences
from eco_credit.core.identifiers import composition, composition_parts, holder

FLOW_DAY = 646_272.0
"""A day of 7.48 m3/s: 7.48 * 86 400 = 646 272 m3, printed as 64.6272 万m3."""


def pledge(**change: Any) -> dict[str, Any]:
    return {f"pledges.0.{name}": value for name, value in change.items()}


REFUSED = [
    ("forest_right", {"effective_area": 40.1}, "effective_area", "at_most"),  # of 40 ha
    ("forest_right", {"stock": 7_200.0, "outturn": 7_200.1}, "outturn", "at_most"),
    ("forest_right", {"contract_from": "2054-01-01"}, "contract_from", "not_after"),  # the term ends 2053-12-31
    ("forest_right", {"thinning_income_1": 3_000.0}, "thinning_age_1", "required_with"),
    ("forest_right", {"thinning_age_2": 15}, "thinning_income_2", "required_with"),
    ("forest_right", {"composition": "8杉1阔"}, "composition", "identifier"),
    ("forest_right", {"first_value": 1e6}, "first_valued_on", "required_with"),
    ("forest_right", {"last_value": 1e6}, "last_valued_on", "required_with"),
    ("forest_right", {"first_valued_on": "2025-02-01", "last_valued_on": "2025-01-31"}, "first_valued_on", "not_after"),
    ("water_right", {"surface_volume": 900_000.0, "ground_volume": 300_001.0}, "surface_volume", "sum_at_most_field"),
    ("water_right", {"ground_volume": 1_200_001.0}, "surface_volume", "sum_at_most_field"),
    ("water_right", {"source_volume": 1_199_999.0}, "annual_volume", "at_most"),
    ("water_right", {"saved_volume": 1_200_001.0}, "saved_volume", "at_most"),
    ("water_right", {"flow_max": 7.48, "daily_max": 655_000.0}, "daily_max", "at_most_times"),
    # 1 200 000 / (366 * 1.01) = 3 246.2 m3 a day at least
    ("water_right", {"daily_max": 3_246.0}, "annual_volume", "at_most_times"),
    ("water_right", {"holder_id": "91999999100000016E"}, "holder_id", "identifier"),
    ("order", {"zd_registered_on": "2027-01-02", "zd_expires_on": "2027-01-01"}, "zd_registered_on", "not_after"),
]
ACCEPTED = [
    ("forest_right", {"effective_area": 40.0}),
    ("forest_right", {"stock": 7_200.0, "outturn": 7_200.0}),
    ("forest_right", {"outturn": 5_000.0}),
    ("forest_right", {"contract_from": "2053-12-31"}),
    ("forest_right", {"thinning_age_1": 12, "thinning_income_1": -300.0}),
    ("forest_right", {"deal_price_2": 600.0}),
    ("forest_right", {"last_value": 1e6, "last_valued_on": "2025-11-01", "valued_by": "internal"}),
    ("water_right", {"surface_volume": 900_000.0, "ground_volume": 300_000.0}),
    # 0.1 + 0.2 is a few ulp above 0.3
    ("water_right", {"annual_volume": 0.3, "surface_volume": 0.1, "ground_volume": 0.2, "transferable_volume": 0.0}),
    ("water_right", {"flow_max": 7.48, "daily_max": FLOW_DAY}),
    ("water_right", {"flow_max": 7.48, "daily_max": FLOW_DAY * 1.0099}),
    ("water_right", {"flow_max": ..., "daily_max": FLOW_DAY}),
    ("water_right", {"daily_max": 3_247.0}),
    ("water_right", {"holder_id": "N2999999000000019W", "renewal_filed": True}),
    ("order", {"zd_registered_on": "2026-11-01", "zd_expires_on": "2026-11-01"}),
]


@pytest.mark.parametrize(("kind", "change", "field", "rule"), REFUSED)
def test_numbers_that_cannot_stand_together_are_refused(
    kind: str, change: dict[str, Any], field: str, rule: str
) -> None:
    assert broken(pledge(**change), kind) == {(f"pledges[0].{field}", rule)}


@pytest.mark.parametrize(("kind", "change"), ACCEPTED)
def test_numbers_that_may_stand_together_are_accepted(kind: str, change: dict[str, Any]) -> None:
    application = changed(pledge(**change), kind)
    assert read_application(application) == application
    assert check_columns(contract("batch_input"), to_flat([application])) == []


@pytest.mark.parametrize(("kind", "change", "field", "rule"), REFUSED)
def test_a_file_of_many_rows_is_told_the_row_once(kind: str, change: dict[str, Any], field: str, rule: str) -> None:
    good, bad = example_application(kind), changed(pledge(**change), kind)
    for application in (good, bad):
        del application["pledges"][1:]
    bad["application_id"] = "APP-2"
    flat = to_flat([good, bad])
    found = column_violations(contract("batch_input"), flat)
    assert [(v.row, v.field, v.rule) for v in found] == [(2, field, rule)]


def test_too_much_water_in_a_day_is_told_with_the_way_to_check_it_in_both_languages() -> None:
    en, zh = sentences("at_most_times", contract("water_right").field("daily_max"))
    assert "8.64" in en and "8.64" in zh


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("10杉", (("杉", 10),)),
        ("8杉2阔", (("杉", 8), ("阔", 2))),
        ("8 杉 2 阔", (("杉", 8), ("阔", 2))),
        ("８杉２阔", (("杉", 8), ("阔", 2))),
        ("7杉2马1阔", (("杉", 7), ("马", 2), ("阔", 1))),
        ("7杉3松+阔", (("杉", 7), ("松", 3), ("阔", 0))),
        ("7杉3松＋阔-栎", (("杉", 7), ("松", 3), ("阔", 0), ("栎", 0))),
    ],
)
def test_a_composition_is_read_as_the_stand_card_writes_it(text: str, parts: tuple[tuple[str, int], ...]) -> None:
    assert composition(text).valid
    assert composition_parts(text) == parts
    assert sum(tenths for _, tenths in parts) == 10


BAD_COMPOSITIONS = ("6杉3松+阔", "8杉1阔", "8杉3阔", "杉", "10", "+阔", "0杉10阔", "11杉", "8.0杉2阔", "", "8杉2")


@pytest.mark.parametrize("text", BAD_COMPOSITIONS)
def test_a_composition_whose_tenths_do_not_add_up_to_ten_is_refused(text: str) -> None:
    assert not composition(text).valid


def test_a_species_named_twice_is_a_warning_and_no_error() -> None:
    assert composition("5杉5杉").warnings == ("species_twice",)
    assert composition("8杉2阔").warnings == ()


def test_a_holder_is_a_body_or_a_person() -> None:
    assert [holder(code).kind for code in ("91999999100000016F", "999999190001010015")] == ["enterprise", "resident"]
    assert not holder("123456").valid


@pytest.mark.parametrize("kind", pledge_kinds())
def test_an_application_of_before_is_still_accepted(kind: str) -> None:
    new = {f.name for f in contract(kind).root.fields if not f.required}
    application = example_application(kind)
    application["pledges"] = [{k: v for k, v in one.items() if k not in new} for one in application["pledges"]]
    assert len(read_application(application)["pledges"][0]) >= 14


@pytest.mark.parametrize("kind", pledge_kinds())
def test_every_optional_field_of_a_pledge_has_its_place_on_the_form(kind: str) -> None:
    topics = code_list("form_topic").codes
    fields = contract(kind).root.fields
    assert {f.name: f.topic for f in fields if f.required == (f.topic is not None)} == {}
    assert {f.topic for f in fields if f.topic} <= set(topics)


REGISTER = {
    "QLLX": "register_right_type", "FBF": "contractor", "LDSYQSSJ": "contract_from", "SLLMSYQR1": "tree_owner",
    "SLLMSYQR2": "tree_user", "LB": "compartment", "XB": "subcompartment", "XDM": "local_name",
    "BH_DJ": "land_protection", "LING_ZU": "age_group_stated", "PINGJUN_XJ": "dbh", "PINGJUN_NL": "stand_age",
    "MEI_GQ_ZS": "stems_per_area", "WRP_NM": "holder_name", "MAN_ORG_CD": "supervisor",
    "CERT_PRT_CD": "permit_print_no", "采伐证编号": "felling_permit_no",
}  # fmt: skip


def test_the_codes_of_the_registers_lead_to_their_fields() -> None:
    known = {word: field.name for field in contract("batch_input").fields for word in field.synonyms}
    assert {code: known.get(code) for code in REGISTER} == REGISTER


def test_a_number_of_stems_of_the_whole_parcel_is_not_taken_for_stems_per_hectare() -> None:
    assert all("ZS" not in field.synonyms for field in contract("batch_input").fields)


def test_a_word_for_one_column_is_not_the_word_for_another() -> None:
    owners: dict[str, set[str]] = {}
    for field in contract("batch_input").fields:
        for word in {field.label_zh, field.label_en, *field.synonyms} - {""}:
            owners.setdefault(word, set()).add(field.column)
    assert {word: names for word, names in owners.items() if len(names) > 1} == {}
