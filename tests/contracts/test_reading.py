"""What is refused, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest
from contract_rows import broken

from eco_credit.contracts import example_application, personal_names, read_application, read_record, subject_of
from eco_credit.core.errors import ContractError


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"loan.term_months": ...}, "loan.term_months", "missing"),
        ({"loan.term_months": None}, "loan.term_months", "missing"),
        ({"loan.term_months": 0}, "loan.term_months", "minimum"),
        ({"loan.term_months": 361}, "loan.term_months", "maximum"),
        ({"loan.term_months": 12.5}, "loan.term_months", "integer"),
        ({"loan.term_months": True}, "loan.term_months", "type"),
        ({"loan.annual_rate": "0.044"}, "loan.annual_rate", "type"),
        ({"loan.annual_rate": True}, "loan.annual_rate", "type"),
        ({"loan.annual_rate": float("nan")}, "loan.annual_rate", "finite"),
        ({"loan.repayment": "monthly"}, "loan.repayment", "code"),
        ({"loan.purpose": ""}, "loan.purpose", "min_length"),
        ({"loan.purpose": "茶" * 201}, "loan.purpose", "max_length"),
        ({"loan.purpose": "a\x00b"}, "loan.purpose", "characters"),
        ({"loan.purpose": "a\ud800"}, "loan.purpose", "characters"),
        ({"loan.extra_1": 1}, "loan.extra_1", "extra"),
        ({"loan.not a name": 1}, "loan.?", "extra"),
        ({"borrower.area_code": "35"}, "borrower.area_code", "pattern"),
        ({"borrower.bad_record": 1}, "borrower.bad_record", "type"),
        ({"borrower.id_no": "939999990000000196"}, "borrower.id_no", "identifier"),
        ({"as_of": "2026-02-30"}, "as_of", "date"),
        ({"as_of": "20261123"}, "as_of", "date"),
        ({"as_of": "2262-01-01"}, "as_of", "date"),
        ({"pledges": []}, "pledges", "min_items"),
        ({"pledges.0.kind": "ship"}, "pledges[0].kind", "kind"),
        ({"pledges.0.kind": ...}, "pledges[0].kind", "kind"),
        ({"pledges.0.area": 0}, "pledges[0].area", "exclusive_minimum"),
        ({"pledges.0.area": 1e400}, "pledges[0].area", "finite"),
        ({"pledges.0.unit_code": "999999001002JE00015500000002"}, "pledges[0].unit_code", "identifier"),
        ({"pledges.0.log_outturn": 0.7, "pledges.0.composite_outturn": 0.4}, "pledges[0].log_outturn", "sum_at_most"),
        ({"pledges.0.stated_on": ...}, "pledges[0].stated_on", "required_with"),
        ({"pledges.0.gep_flows.1.service": "fresh_air"}, "pledges[0].gep_flows[1].service", "code"),
        ({"borrower": ...}, "borrower", "missing"),
        ({"borrower": 3}, "borrower", "type"),
    ],
)
def test_a_broken_rule_is_named_with_its_path(change: dict[str, Any], field: str, rule: str) -> None:
    assert (field, rule) in broken(change)


def test_a_permit_that_ends_before_it_starts_is_refused() -> None:
    found = broken({"pledges.0.valid_to": "2024-06-30"}, "water_right")
    assert found == {("pledges[0].valid_from", "not_after")}


def test_more_water_than_the_permit_cannot_be_transferable() -> None:
    found = broken({"pledges.0.transferable_volume": 1_200_000.01}, "water_right")
    assert found == {("pledges[0].transferable_volume", "at_most")}


def test_a_deal_price_without_its_basis_is_refused() -> None:
    assert broken({"pledges.0.deal_basis": ...}, "water_right") == {("pledges[0].deal_basis", "required_with")}


def test_a_firm_that_buys_needs_a_credit_code_and_another_buyer_does_not() -> None:
    assert broken({"pledges.0.buyer_id": "A-1"}, "order") == {("pledges[0].buyer_id", "identifier")}
    application = example_application("order")
    application["pledges"][0] |= {"buyer_id": "A-1", "buyer_kind": "other"}
    assert read_application(application)["pledges"][0]["buyer_id"] == "A-1"


def test_two_pledges_under_one_number_are_refused() -> None:
    assert broken({"pledges.1.pledge_id": "P-1"}, "order") == {("pledges", "unique")} or broken(
        {"pledges.1.pledge_id": "P-1"}, "order") == {("pledges.pledge_id", "unique")}


def test_more_than_two_hundred_pledges_are_refused() -> None:
    application = example_application("forest_right")
    pledge = application["pledges"][0]
    application["pledges"] = [pledge | {"pledge_id": f"P-{i}"} for i in range(201)]
    with pytest.raises(ContractError) as refused:
        read_application(application)
    assert [v.rule for v in refused.value.violations] == ["max_items"]


def test_violations_are_cut_off_and_said_to_be() -> None:
    application = example_application("forest_right")
    application["pledges"] = [{"kind": "forest_right"} for _ in range(20)]
    with pytest.raises(ContractError) as refused:
        read_application(application)
    assert len(refused.value.violations) == 101
    assert refused.value.violations[-1].rule == "more"


def test_no_value_is_echoed() -> None:
    canary = "CANARY-7f3a"
    application = example_application("forest_right")
    application["borrower"] |= {"id_no": canary, "borrower_kind": canary, "area_code": canary}
    application["loan"] |= {"term_months": canary, canary: canary}
    application["pledges"][0]["kind"] = canary
    with pytest.raises(ContractError) as refused:
        read_application(application)
    assert len(refused.value.violations) == 5
    assert canary not in str(refused.value) + refused.value.zh


def test_what_is_unknown_is_left_out_and_the_rest_is_as_given() -> None:
    application = example_application("water_right")
    application["pledges"][0]["head"] = None
    read = read_application(application)
    assert "head" not in read["pledges"][0]
    assert read == example_application("water_right")


def test_a_whole_number_written_with_a_point_is_a_whole_number() -> None:
    read = read_record("gep_flow", {"service": "carbon", "value_cny": 1, "account_year": 2025.0})
    assert read["account_year"] == 2025


def test_a_credit_report_is_not_older_than_the_consent_to_ask_for_it() -> None:
    application = example_application("order")
    application["borrower"] |= {"consent_on": "2026-11-02", "credit_report_on": "2026-11-02"}
    assert read_application(application)["borrower"]["consent_on"] == "2026-11-02"
    application["borrower"]["consent_on"] = "2026-11-03"
    with pytest.raises(ContractError) as refused:
        read_application(application)
    assert [(one.field, one.rule) for one in refused.value.violations] == [("borrower.consent_on", "not_after")]


def test_a_contract_names_who_a_record_is_about_and_no_request_can_look_sealed() -> None:
    assert subject_of("application", example_application("forest_right")) == "91999999100000016F"
    assert subject_of("application", {"borrower": {"id_no": 7}}) is None
    assert subject_of("decision_outcome", {"decided": "refer"}) is None
    assert personal_names("decision") == ("input_hash",)
    assert not {"lending_value", "recommendation"} & set(personal_names("application"))
