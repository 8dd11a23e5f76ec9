"""The lender's book: what is pledged already, and how much of the book lies in one group."""

from __future__ import annotations

import pickle
import re
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pledge_tables import DAY, codes, columns, haircut, loans

from eco_credit.contracts import contract
from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from eco_credit.rulebook import load
from eco_credit.valuation import EMPTY, LenderBook, PledgeValues, appraise_pledges, kinds, lender_book
from eco_credit.valuation.book import keys_of
from eco_credit.valuation.book_table import book_of

TAKEN = "K01"
PAPER: dict[str, dict[str, Any]] = {
    "forest_right": {
        "certificate_no": "闽(2026)某县不动产权第0000001号", "compartment": "07", "subcompartment": "12", "area": 100.0,
    },
    "water_right": {"permit_no": "D999999S2026-0001"},
    "order": {"order_no": "D-1", "buyer_id": "B1"},
}  # fmt: skip
KINDS = tuple(PAPER)


def appraised(kind: str, *rows: dict[str, Any], applications: list[str], book: LenderBook = EMPTY) -> PledgeValues:
    """Pledges of the kind with good papers, each of the application named."""
    table = columns(kind, *(PAPER[kind] | row for row in rows))
    behind = loans(len(rows))
    behind["application_id"] = np.array(applications, dtype=object)
    behind["application_row"] = np.array([float(applications.index(name)) for name in applications])
    return appraise_pledges(kinds()[kind], table, loans=behind, rules=load().at(DAY), book=book)


def held(kind: str, *rows: dict[str, Any]) -> LenderBook:
    """A book of pledges of one kind, each with the papers of `PAPER` unless changed."""
    frame = pd.DataFrame([{"application_id": "HELD", "kind": kind, **PAPER[kind]} | row for row in rows])
    return book_of(frame)


def taken(values: PledgeValues) -> list[bool]:
    return [TAKEN in codes(values.gates, row) for row in range(len(values.eligible))]


@pytest.mark.parametrize("kind", KINDS)
def test_what_another_application_holds_is_refused_and_worth_no_loan(kind: str) -> None:
    values = appraised(kind, {}, applications=["A"], book=held(kind, {}))
    assert taken(values) == [True] and values.lending_value[0] == 0.0
    assert taken(appraised(kind, {}, applications=["A"])) == [False]


@pytest.mark.parametrize("kind", KINDS)
def test_an_application_is_not_held_against_itself(kind: str) -> None:
    book = held(kind, {"application_id": "A"})
    assert taken(appraised(kind, {}, applications=["A"], book=book)) == [False]
    both = held(kind, {"application_id": "A"}, {"application_id": "B"})
    assert taken(appraised(kind, {}, applications=["A"], book=both)) == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_twice_in_one_application_refuses_both_and_needs_no_book(kind: str) -> None:
    assert taken(appraised(kind, {}, {}, applications=["A", "A"])) == [True, True]
    assert taken(appraised(kind, {}, {}, applications=["A", "B"])) == [False, False]


def test_a_row_does_not_look_at_other_applications_of_the_table() -> None:
    many = appraised("water_right", {}, {}, {}, applications=["A", "B", "B"])
    assert taken(many) == [False, True, True]
    assert many.lending_value[0] == appraised("water_right", {}, applications=["A"]).lending_value[0]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("forest_right", {"subcompartment": "13"}),
        ("forest_right", {"compartment": None}),
        ("forest_right", {"area": 100.01}),
        ("forest_right", {"certificate_no": "闽(2026)某县不动产权第0000002号"}),
        ("water_right", {"permit_no": "D999999S2026-0002"}),
        ("order", {"order_no": "D-2"}),
        ("order", {"buyer_id": "B2"}),
    ],
)
def test_another_paper_or_another_parcel_of_one_paper_is_another_thing(kind: str, change: dict[str, Any]) -> None:
    assert taken(appraised(kind, change, applications=["A"], book=held(kind, {}))) == [False]


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("forest_right", {"certificate_no": " 闽（２０２６）某县 不动产权第0000001号 "}),
        ("forest_right", {"compartment": "０７", "subcompartment": " 12"}),
        ("forest_right", {"area": 100.0000001}),
        ("water_right", {"permit_no": "ｄ999999ｓ2026-0001 "}),
        ("order", {"order_no": "ｄ-１", "buyer_id": " ｂ１"}),
    ],
)
def test_full_width_letters_case_and_blanks_do_not_make_another_thing(kind: str, written: dict[str, Any]) -> None:
    assert taken(appraised(kind, {}, applications=["A"], book=held(kind, written))) == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_a_pledge_without_the_number_on_its_paper_is_like_no_other(kind: str) -> None:
    number = kinds()[kind].key[0]
    for blank in (None, "", "  "):
        table = columns(kind, PAPER[kind] | {number: blank})
        assert keys_of(kinds()[kind], table).tolist() == [None]
        assert taken(appraised(kind, {number: blank}, {number: blank}, applications=["A", "A"])) == [False, False]
    unknown: Columns = {"application_id": np.array(["X"], object), number: np.array([None], object)}
    book = lender_book(kinds(), {kind: unknown})
    assert taken(appraised(kind, {number: None}, applications=["A"], book=book)) == [False]


def split(share: float) -> LenderBook:
    """A book of water rights with so much of its lending value for industry, the rest for irrigation."""
    other = {"permit_no": "D999999S2026-0008", "water_purpose": "irrigation", "lending_value": 1e6 * (1.0 - share)}
    own = {"permit_no": "D999999S2026-0009", "water_purpose": "industry", "lending_value": 1e6 * share}
    return held("water_right", own, other)


@pytest.mark.parametrize(
    ("share", "ratio"),
    # limit 0.3, slope 0.25, at most 0.15: 0.25 * (0.5 - 0.3) = 0.05; 0.25 * (0.9 - 0.3) = 0.15; above that no more
    [(0.0, 0.0), (0.3, 0.0), (0.5, 0.05), (0.9, 0.15), (1.0, 0.15)],
)
def test_a_concentrated_book_takes_a_slice_above_the_limit_and_never_more_than_the_cap(
    share: float, ratio: float
) -> None:
    values = appraised("water_right", {}, applications=["A"], book=split(share))
    assert haircut(values, "concentration") == pytest.approx(ratio, abs=1e-12)
    alone = appraised("water_right", {}, applications=["A"])
    assert values.central[0] == alone.central[0], "a book changes what is lent, not what the right is worth"
    assert values.lending_value[0] <= alone.lending_value[0]


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_larger_share_never_lends_more(first: float, second: float) -> None:
    low, high = sorted((first, second))
    ratios = [haircut(appraised("water_right", {}, applications=["A"], book=split(s)), "concentration")
              for s in (low, high)]
    assert 0.0 <= ratios[0] <= ratios[1] <= 0.15


def test_the_book_of_one_kind_says_nothing_about_another_and_blank_groups_are_nobodys() -> None:
    values = appraised("order", {}, applications=["A"], book=split(1.0))
    assert haircut(values, "concentration") == 0.0
    blank = held("water_right", {"permit_no": "D999999S2026-0009", "water_purpose": None, "lending_value": 1e6})
    assert kinds()["water_right"].concentration == "purpose"
    assert blank.share(kinds()["water_right"], np.array([None, "industry"], object)).tolist() == [0.0, 0.0]


def test_a_book_without_lending_values_names_pledges_and_takes_no_slice() -> None:
    book = held("water_right", {})
    values = appraised("water_right", {}, applications=["A"], book=book)
    assert taken(values) == [True] and haircut(values, "concentration") == 0.0


ROWS = [
    {"application_id": f"H{i % 5}", "permit_no": f"D999999S2026-{i:04d}", "water_purpose": purpose, "lending_value": v}
    for i, (purpose, v) in enumerate(
        zip(["industry", "irrigation", "other"] * 4, [0.1, 0.2, 0.3, 1e9] * 3, strict=True)
    )
]


@settings(deadline=None)
@given(st.permutations(ROWS))
def test_the_digest_does_not_depend_on_the_order_of_the_rows(rows: list[dict[str, Any]]) -> None:
    assert held("water_right", *rows).digest == held("water_right", *ROWS).digest


@pytest.mark.parametrize("change", [{"application_id": "Z"}, {"lending_value": 0.11}, {"water_purpose": "ecology"}])
def test_the_digest_changes_with_what_the_book_says(change: dict[str, Any]) -> None:
    before = held("water_right", *ROWS)
    assert held("water_right", ROWS[0] | change, *ROWS[1:]).digest != before.digest
    assert EMPTY.digest is None and before.digest is not None


def test_a_book_travels_to_a_worker_and_back() -> None:
    for book, refused in ((split(0.5), False), (held("water_right", {}), True)):
        there = pickle.loads(pickle.dumps(book))
        assert there == book and there.digest == book.digest
        assert taken(appraised("water_right", {}, applications=["A"], book=there)) == [refused]


def test_a_frame_is_checked_and_the_row_named() -> None:
    frame = pd.DataFrame([{"application_id": "H1", "kind": "water_right", "permit_no": "D999999S2026-0001"},
                          {"application_id": "H2", "kind": "water_right", "permit_no": "7"}])
    with pytest.raises(ContractError) as refused:
        book_of(frame)
    assert [(v.row, v.field, v.rule) for v in refused.value.violations] == [(2, "permit_no", "identifier")]
    with pytest.raises(ContractError) as refused:
        book_of(frame[["application_id", "kind"]])
    assert {(v.field, v.rule) for v in refused.value.violations} == {("permit_no", "missing")}
    with pytest.raises(ContractError):
        book_of(frame.iloc[:0])
    with pytest.raises(TypeError):
        book_of("book.csv")  # type: ignore[arg-type]


def test_columns_of_other_contracts_are_not_read_from_a_frame() -> None:
    frame = pd.DataFrame([{"application_id": "H1", "kind": "water_right", "permit_no": "D999999S2026-0001", "pd": 0.1}])
    assert book_of(frame).digest == book_of(frame.drop(columns="pd")).digest


@pytest.mark.parametrize("kind", KINDS)
def test_the_contract_of_the_book_repeats_the_fields_of_the_kind_to_the_rule(kind: str) -> None:
    book = {field.column: field for field in contract("lender_book").fields}
    own = {field.name: field for field in contract(kind).root.fields}
    found = kinds()[kind]
    for name in {*found.key, found.concentration or found.key[0]}:
        here, there = book[own[name].column], own[name]
        alike = ("type", "unit", "minimum", "exclusive_minimum", "maximum", "codes", "format", "max_length",
                 "label_zh", "label_en", "synonyms", "privacy", "personal", "unit_on_paper")
        assert [getattr(here, what) for what in alike] == [getattr(there, what) for what in alike]
        assert here.kinds == (kind,) and (here.required_kinds == (kind,)) == (there.required and name in found.key)


def test_no_reason_code_is_listed_twice() -> None:
    """YAML keeps the last of two equal keys and says nothing."""
    listed = (resources.files("eco_credit.scoring") / "reason_codes.yaml").read_text("utf-8")
    found = re.findall(r"^([A-Z][A-Z0-9_]*):", listed, flags=re.MULTILINE)
    assert len(found) == len(set(found)) > 90
