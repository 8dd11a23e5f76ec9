"""Terms as data, the three balances, clients by identifier, reserves, and the waterfall to the cent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import RULES, book_of, ledger_of, terms

from eco_credit.contracts import contract
from eco_credit.core.errors import ConservationError, ContractError
from eco_credit.portfolio import Shares, Waterfall, balances_of, portfolio_figures, read_terms
from eco_credit.portfolio.balances import client_counts, reserves
from eco_credit.portfolio.cascade import conserve
from eco_credit.portfolio.terms import TermsFile
from eco_credit.portfolio.waterfall import SHARE_BASE

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples" / "guarantee_terms").glob("*.yaml"))


def test_the_contract_of_the_terms_names_the_fields_the_reader_takes() -> None:
    named = {field.column.split(".")[0].split("__")[0] for field in contract("guarantee_terms").fields}
    top = {getattr(field, "group", None) or field.name for field in contract("guarantee_terms").fields} | named
    assert set(TermsFile.model_fields) <= top | {"pools", "split"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_of_terms_is_read_and_names_what_it_rests_on(path: Path) -> None:
    read = read_terms(path, RULES)
    assert read.authority in {"agreement", "house", "estimate"} and sum(read.split.parts.values()) == SHARE_BASE


def test_there_is_an_example_of_each_mode() -> None:
    assert {path.stem for path in EXAMPLES} == {"split_4321", "split_28", "national_fund", "first_loss_pool", "company"}


def test_the_three_balances_take_off_the_bank_and_then_the_re_guarantor() -> None:
    found = balances_of(book_of([100.0]), terms(cover=0.9))
    # 4-3-2-1 over 90: net 90 · 0.8, liability 90 · 0.5
    assert [part.tolist() for part in (found.nominal, found.net, found.liability)] == [
        [90.0],
        [pytest.approx(72.0)],
        [pytest.approx(45.0)],
    ]


def test_shares_of_the_ledger_go_before_those_of_the_terms() -> None:
    ledger = ledger_of(2, share_bank=[0.4, np.nan], share_direct=[0.4, np.nan], share_national=[0.2, np.nan])
    found = balances_of(book_of([100.0, 100.0], ledger=ledger), terms())
    assert found.net.tolist() == pytest.approx([60.0, 80.0]) and found.liability.tolist() == pytest.approx([40.0, 50.0])


def test_ledger_shares_that_do_not_add_up_are_refused_as_g01() -> None:
    book = book_of([100.0], ledger=ledger_of(1, share_bank=[0.4], share_direct=[0.4]))
    with pytest.raises(ContractError) as refused:
        balances_of(book, terms())
    assert refused.value.violations[0].rule == "G01"


def test_clients_are_counted_by_identifier_and_loans_by_number() -> None:
    ledger = ledger_of(4, borrower_id=["x", "x", "y", None])
    kinds = np.array(["person", None, "enterprise", None], dtype=object)
    found = client_counts(ledger, np.array(["L0", "L1", "L2", "L3"], dtype=object), kinds)
    assert found == {
        "clients": 3, "persons": 1, "enterprises": 1, "kind_unknown": 1, "by_application": 1, "loans": 4,
    }  # fmt: skip


def test_the_word_of_the_ledger_goes_before_the_kind_of_borrower() -> None:
    kinds = ["farmer", "farmer", "cooperative", "family_farm"]
    book = book_of([1.0] * 4, borrower_kind=kinds, ledger=ledger_of(4, client_kind=["enterprise", None, None, None]))
    assert book.client_kind.tolist() == ["enterprise", "person", "enterprise", None]


def test_a_ledger_that_names_a_loan_twice_is_refused() -> None:
    ledger = ledger_of(2)
    ledger["application_id"][1] = "L0"
    with pytest.raises(ContractError, match="twice"):
        book_of([1.0, 2.0], ledger=ledger)


def test_the_balance_of_the_ledger_is_the_exposure() -> None:
    book = book_of([100.0, 200.0], ledger=ledger_of(2, guarantee_balance=[70.0, np.nan]))
    assert book.exposure.tolist() == [70.0, 200.0]


def test_two_loans_of_one_identifier_are_one_client_under_the_caps() -> None:
    ledger = ledger_of(2, borrower_id=["x", "x"])
    found = portfolio_figures(book_of([100.0, 100.0], ledger=ledger), terms(net_assets=550.0), rules=RULES)
    # 40 % of 200, farmers within two million weigh 75 %; the cap of one client is 10 % of 550
    assert found.limits is not None and found.limits["group_largest"] == 60.0
    assert found.limits["single_largest"] == 60.0 and not found.limits["single_ok"] and found.limits["group_ok"]


@pytest.mark.parametrize(("held", "added"), [(0.0, 10.0), (95.0, 5.0), (100.0, 0.0), (150.0, 0.0)])
def test_the_loss_reserve_adds_one_percent_until_ten_percent_are_held(held: float, added: float) -> None:
    found = reserves(30.0, 1_000.0, held=held, rules=RULES)
    assert found == {"unearned": 15.0, "loss": added, "full": 100.0}


def test_a_housing_guarantee_takes_its_own_weight() -> None:
    ledger = ledger_of(2, guarantee_product=["housing", "loan"])
    found = portfolio_figures(book_of([100.0, 100.0], ledger=ledger), terms(), rules=RULES)
    assert found.balance["weighted"] == pytest.approx(0.4 * (30.0 + 75.0))


def test_layers_fill_in_the_order_of_the_agreement() -> None:
    fall = Waterfall(
        cover=8_000, pools=(("government", 100),), shares=Shares({"guarantor": 8_000, "bank": 2_000}), cap=160
    )
    borne = fall.borne([1_000])
    # uncovered 200; of 800 the pool pays 100; of 700 the guarantor owes 560, is capped at 160, 400 go back
    assert {name: int(part[0]) for name, part in borne.layers.items()} == {
        "uncovered": 200, "pool:government": 100, "shared": 300, "above_cap": 400,
    }  # fmt: skip
    assert {name: int(part[0]) for name, part in borne.parties.items()} == {
        "bank": 740, "government": 100, "guarantor": 160,
    }  # fmt: skip


@st.composite
def waterfalls(draw: st.DrawFn) -> Waterfall:
    first = draw(st.integers(0, SHARE_BASE))
    second = draw(st.integers(0, SHARE_BASE - first))
    shares = {"bank": first, "guarantor": second, "re_guarantor": SHARE_BASE - first - second}
    pools = draw(st.lists(st.tuples(st.sampled_from(["government", "guarantor"]), st.integers(0, 10**9)), max_size=3))
    cap = draw(st.none() | st.integers(0, 10**10))
    return Waterfall(draw(st.integers(0, SHARE_BASE)), tuple(pools), Shares(shares), cap)


@settings(deadline=None)
@given(fall=waterfalls(), losses=st.lists(st.integers(0, 10**12), min_size=1, max_size=8))
def test_every_waterfall_conserves_every_loss_to_the_cent(fall: Waterfall, losses: list[int]) -> None:
    borne = fall.borne(losses)
    for parts in (borne.layers, borne.parties):
        assert np.sum([part.astype(object) for part in parts.values()], axis=0).tolist() == losses


@settings(deadline=None)
@given(fall=waterfalls(), loss=st.integers(0, 10**12), more=st.integers(0, 10**10))
def test_a_larger_loss_costs_no_party_less(fall: Waterfall, loss: int, more: int) -> None:
    small, large = (fall.borne([amount]).parties for amount in (loss, loss + more))
    # two roundings to whole cents, one of the cover and one of the shares
    assert all(int(large[party][0]) >= int(small[party][0]) - 2 for party in small)


@settings(deadline=None)
@given(fall=waterfalls(), losses=st.lists(st.integers(0, 10**12), min_size=2, max_size=6))
def test_the_order_of_scenarios_does_not_change_who_bears_them(fall: Waterfall, losses: list[int]) -> None:
    ahead, back = fall.borne(losses).parties, fall.borne(losses[::-1]).parties
    assert {name: part.tolist() for name, part in ahead.items()} == {
        name: part[::-1].tolist() for name, part in back.items()
    }


def test_parts_that_do_not_add_up_stop_the_run() -> None:
    with pytest.raises(ConservationError):
        conserve({"bank": np.array([1], dtype=np.int64)}, np.array([2], dtype=np.int64))


def test_subsidy_and_counter_guarantee_lower_the_fee_that_breaks_even() -> None:
    plain, helped = (
        portfolio_figures(book_of([1e6]), terms(**more), rules=RULES).bearer
        for more in ({}, {"subsidy_rate": 0.005, "counter_guarantee_rate": 0.2})
    )
    more: dict[str, Any] = {"subsidy": 5_000.0, "counter": 0.2 * plain["expected_payout"]}
    assert plain["break_even_fee"] - helped["break_even_fee"] == pytest.approx(sum(more.values()))


def test_the_reserve_held_is_that_of_the_terms() -> None:
    empty, nearly = (
        portfolio_figures(book_of([1e6]), terms(loss_reserve_held=held), rules=RULES).reserves
        for held in (0.0, 49_000.0)
    )
    # liability 50 % of 1 000 000: 1 % is 5 000, the line of 10 % is 50 000
    assert (empty["loss"], nearly["loss"]) == (5_000.0, 1_000.0)


def test_the_scope_is_held_to_its_lower_limits() -> None:
    found = portfolio_figures(book_of([4e6, 6e6], borrower_kind=["farmer", "enterprise"]), terms(), rules=RULES)
    # four of ten million small and in small tickets, against 80 % and 50 %
    assert (found.scope["small_farm_share"], found.scope["small_farm_ok"]) == (0.4, False)
    assert (found.scope["small_ticket_share"], found.scope["small_ticket_ok"]) == (0.4, False)
    assert found.scope["over_scope"] == 0.0 and "G06" not in found.notices


@pytest.mark.parametrize(
    ("content", "field", "rule"),
    [
        (b"name: [\n", "terms", "yaml"),
        (b"name: \xff\xfe\n", "terms", "yaml"),
        (b"name: x\nauthority: house\ncompany: {as_of: 2026-13-01}\n", "terms", "yaml"),
        (b"- a\n", "terms", "model_type"),
        (b"name: x\nauthority: contract\n", "authority", "literal_error"),
        (b"name: x\nauthority: house\nfee_rate: 0.8\n", "fee_rate", "less_than_equal"),  # 0.8 % is 0.008 or "0.8%"
        (b"name: x\nauthority: house\nfee_rte: 0.01\n", "fee_rte", "extra_forbidden"),
        (b"name: x\nauthority: house\nnet_assets: 30000\xe4\xb8\x87\n", "net_assets", "float_type"),
        (b"name: x\nauthority: house\npools: [{party: government, size: 5}]\n", "pools.0.size", "less_than_equal"),
        (b"name: x\nauthority: house\nmode: own\nsplit: {bank: 20%, guarantor: 70%}\n", "split", "G01"),
    ],
)
def test_a_terms_file_is_refused_by_field_and_rule_in_two_languages(
    content: bytes, field: str, rule: str, tmp_path: Path
) -> None:
    path = tmp_path / "terms.yaml"
    path.write_bytes(content)
    with pytest.raises(ContractError) as refused:
        read_terms(path, RULES)
    found = refused.value.violations[0]
    assert (found.field, found.rule) == (field, rule)
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in found.en.replace("30000万元", "")), found.en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in found.zh), found.zh


def test_a_broken_terms_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "terms.yaml"
    path.write_text("name: x\nauthority: house\nsplit: {bank: 0.2\nmode: own\n", encoding="utf-8")
    with pytest.raises(ContractError, match=r"line [45]"):
        read_terms(path, RULES)
