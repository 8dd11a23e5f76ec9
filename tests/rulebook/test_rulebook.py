"""The rulebook: lint, reading as of a day, reading as known on a day, overlays."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.core.errors import RuleNotInForce
from eco_credit.rulebook import lint, load
from eco_credit.rulebook.book import Book, Entry, Version
from eco_credit.rulebook.page import to_verify

DAY = dt.date


def book_of(*versions: tuple[str, str, float]) -> Book:
    history = tuple(Version(DAY.fromisoformat(a), DAY.fromisoformat(b), value, "ref") for a, b, value in versions)
    return Book({"a.b.c": Entry("a.b.c", "about", "zh", "ratio", "house", history)})


def test_the_shipped_rules_pass_their_own_lint() -> None:
    assert lint() == []


def test_a_value_holds_from_the_day_it_comes_into_force() -> None:
    book = book_of(("2020-01-01", "2019-06-01", 0.1), ("2024-07-01", "2024-01-01", 0.2))
    assert book.at("2024-06-30").number("a.b.c") == 0.1
    assert book.at("2024-07-01").number("a.b.c") == 0.2


def test_training_does_not_see_what_was_published_later() -> None:
    book = book_of(("2020-01-01", "2019-06-01", 0.1), ("2020-01-01", "2021-01-01", 0.3))
    assert book.at("2020-06-01", known="2020-06-01").number("a.b.c") == 0.1
    assert book.at("2020-06-01").number("a.b.c") == 0.3


def test_a_day_before_the_first_value_is_an_error_and_never_a_default() -> None:
    with pytest.raises(RuleNotInForce, match=r"a\.b\.c was not in force"):
        book_of(("2020-01-01", "2019-06-01", 0.1)).at("2019-12-31").number("a.b.c")


def test_a_missing_rule_is_an_error_and_never_a_default() -> None:
    with pytest.raises(RuleNotInForce, match="is not in the rulebook"):
        load().at("2026-11-23").number("credit.policy.no_such_rule")


@given(st.dates(DAY(2001, 1, 1), DAY(2040, 1, 1)))
def test_reading_a_day_twice_gives_the_same_digest(day: dt.date) -> None:
    assert load().at(day).digest == load().at(day).digest


def test_an_overlay_replaces_a_value_and_changes_both_digests(tmp_path: Path) -> None:
    overlay = tmp_path / "bank.yaml"
    overlay.write_text(
        "credit.policy.pd_approve_max: {in_force: 2020-01-01, published: 2020-01-01, value: 0.01, ref: house-policy}\n",
        encoding="utf-8",
    )
    ours, theirs = load().at("2026-11-23"), load(overlay).at("2026-11-23")
    assert theirs.number("credit.policy.pd_approve_max") == 0.01
    assert theirs.digest != ours.digest
    assert theirs.overlay_digest is not None and ours.overlay_digest is None


def test_an_overlay_with_an_unknown_name_is_refused(tmp_path: Path) -> None:
    overlay = tmp_path / "typo.yaml"
    overlay.write_text("credit.policy.pd_aprove_max: {in_force: 2020-01-01, published: 2020-01-01, value: 0, ref: x}\n")
    with pytest.raises(RuleNotInForce, match="unknown rule"):
        load(overlay)


def test_every_estimate_says_where_it_comes_from_and_how_far_it_may_be_off() -> None:
    for name, entry in load().entries.items():
        if entry.authority == "estimate":
            assert entry.study, name
            if isinstance(entry.history[-1].value, int | float):
                assert entry.range is not None and entry.range[0] <= entry.history[-1].value <= entry.range[1], name


def test_the_page_of_open_figures_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "methods" / "to-verify.md"
    assert page.read_text("utf-8") == to_verify(load()), "run python -m eco_credit.rulebook --page"
