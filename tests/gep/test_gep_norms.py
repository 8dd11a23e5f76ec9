"""Norms as data: what each counts, what was not read, netting of products from outside."""

from __future__ import annotations

import pytest

from eco_credit.core.errors import ContractError
from eco_credit.gep import account, combine, norm_of, norms, services
from tests.gep.rows import WATER, refused, rules, warned

CROPS = {"service": "material_products", "item": "grain", "value": 100.0, "value_unit": "CNY", "place": "a"}
NETTING = "gbt-46869-2025"


@pytest.mark.parametrize(("norm", "counts"), [
    ("tech-guide-2020", {"oxygen": "counted", "species_conservation": "counted", "noise_reduction": "left_out"}),
    ("norm-2022", {"oxygen": "left_out", "water_supply": "optional", "pest_control": "left_out"}),
    ("shandong-2022", {"tourism": "compulsory", "noise_reduction": "optional", "oxygen": "counted"}),
    ("garze-paper", {"coastal_protection": "left_out", "species_conservation": "left_out", "pest_control": "counted"}),
    ("lyt-1721-2008", {"oxygen": "counted", "material_products": "left_out", "climate_regulation": "left_out"}),
    ("seea-ea-2021", {"oxygen": "left_out", "ecological_energy": "left_out", "pest_control": "counted"}),
])
def test_a_norm_counts_what_the_table_of_norms_says(norm: str, counts: dict[str, str]) -> None:
    assert {code: norms()[norm].treats(code).counts for code in counts} == counts


def test_shandong_has_the_seven_compulsory_services() -> None:
    named = {code for code in services() if norms()["shandong-2022"].treats(code).counts == "compulsory"}
    assert named == {"water_retention", "soil_retention", "air_purification", "water_purification", "carbon",
                     "climate_regulation", "tourism"}


def test_a_norm_whose_list_could_not_be_read_is_listed_and_refused() -> None:
    closed = [norm for norm in norms().values() if not norm.accountable]
    assert {"db33t-2274-2025", "db46t-611-2023", "hj-1173-2021"} <= {norm.id for norm in closed}
    for norm in closed:
        with pytest.raises(ContractError) as caught:
            norm_of(norm.id)
        assert caught.value.violations[0].rule == "norm_list_unread" and norm.unread
    assert norms()["db46t-611-2023"].treats("species_conservation").counts == "counted"


def test_every_norm_has_its_edition_status_and_school() -> None:
    known = {"in_force", "trial", "draft", "superseded", "framework", "paper"}
    for norm in norms().values():
        plain = norm.as_dict()
        assert norm.edition and norm.status in known and norm.family in {"gep", "forest_services", "seea", "physical"}
        assert plain["in_force"] is None or plain["in_force"] >= "2008"
    assert norms()["lyt-1721-2008"].status == "superseded"


def test_an_account_of_another_school_says_that_it_is_not_a_gep() -> None:
    assert "other_school" in warned([WATER], "gbt-38582-2020") and "other_school" not in warned([WATER], "norm-2022")


def test_totals_under_two_norms_do_not_add_up() -> None:
    one, other = (account([WATER], norm=norm, rules=rules()) for norm in ("norm-2022", NETTING))
    with pytest.raises(ContractError) as caught:
        combine(one, other)
    assert "norms_differ" in {violation.rule for violation in caught.value.violations}


def test_netting_is_a_line_of_its_own_and_said_aloud() -> None:
    made = account([CROPS | {"outside_cny": 30.0}], norm=NETTING, rules=rules())
    line = made.rows[1]
    assert (line.item, line.value_cny, line.low, line.high) == ("grain:from_outside", -30.0, -30.0, -30.0)
    assert made.total == 70.0 and made.by_service() == {"material_products": 70.0}
    assert "netted" in {notice.rule for notice in made.warnings}


def test_a_netted_account_read_back_nets_nothing_twice() -> None:
    made = account([CROPS | {"outside_cny": 30.0}], norm=NETTING, rules=rules())
    again = account(made.to_frame(), norm=NETTING, rules=rules())
    assert again.total == 70.0 and len(again.rows) == 2


def test_no_netting_stated_is_pointed_out_only_where_the_norm_nets() -> None:
    assert "netting_not_stated" in warned([CROPS], NETTING)
    assert "netting_not_stated" not in warned([CROPS], "norm-2022")
    assert "netting_above_value" in warned([CROPS | {"outside_cny": 130.0}], NETTING)


def test_netting_under_a_norm_without_it_or_below_zero_is_refused() -> None:
    assert refused([CROPS | {"outside_cny": 30.0}], "norm-2022") == {"netting_not_in_norm"}
    assert refused([CROPS | {"outside_cny": -30.0}], NETTING) == {"minimum"}
