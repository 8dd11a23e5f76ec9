"""The monitoring report says what was found, in two languages, on paper and without an outside address."""

from __future__ import annotations

import copy
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from eco_credit.reports.monitor_report import MOST_VINTAGES, grade_chart, monitor_report
from eco_credit.reports.monitor_words import listed, sentence
from eco_credit.reports.page import translator

LIGHTS = ("green", "amber", "red", "grey")
VALUES: dict[str, dict[str, Any]] = {
    "calibration": {"vintage": "2025Q1", "rate": 0.06, "predicted": 0.02, "p": 0.004, "level": 0.05, "quarters": 2},
    "score": {"psi": 0.3141, "limit": 0.012, "bar": 0.25},
    "performance": {"now": 0.70, "then": 0.78, "drop": 0.08, "matured_drop": 0.07, "bar": 0.05},
    "scope": {"share": 0.12, "expected": 0.05, "multiple": 2.4, "bar": 2.0},
    "price": {"move": -0.25, "since": "2024-06-15", "until": "2025-01-01", "bar": 0.2},
    "kinds": {"names": ["order"], "count": 1},
    "law": {"names": [], "count": 0, "since": "2025-01-01", "until": "2026-01-01"},
    "overrides": {"share": 0.2, "decided": 50, "bar": 0.15},
    "grades": {"psi": 0.2, "limit": 0.01, "bar": 0.1},
    "features": {"moved": 8, "count": 30, "names": list("abcdefgh")},
}
"""Values of every trigger there is."""


def trigger(name: str, light: str = "red") -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "light": light, "values": VALUES[name], "rules": [f"risk.monitor.{name}"]}
    return row | {lang: sentence(name, lang, row) for lang in ("zh", "en")}


def vintage(name: str, **changed: Any) -> dict[str, Any]:
    plain = {"vintage": name, "loans": 120, "matured": 100, "immature": 20, "not_scored": 1, "defaults": 6,
             "default_rate": 0.06, "low": 0.0248, "high": 0.1202, "predicted": 0.021, "jeffreys": 0.004}  # fmt: skip
    return plain | changed


FOUND: dict[str, Any] = {
    "model": {"name": "small", "version": "3", "digest": "ab" * 32},
    "data": {"form": "tape", "digest": "cd" * 32, "rows": 2_000, "first": "2024-01-01", "last": "2025-06-30",
             "left_out": {}},
    "reference": {"form": "package", "from": {"score": "package", "features": "package", "width": "none"}},
    "rules": {"day": "2026-11-23", "digest": "ef" * 32},
    "score": {"value": 0.3141, "limit": 0.012, "bins": 10, "mean_pd": 0.031, "expected_pd": 0.021, "light": "red"},
    "grades": {"psi": {"value": 0.2, "limit": 0.01, "bins": 2},
               "table": [{"grade": "A1", "share": 0.25, "expected": 0.5},
                         {"grade": "B1", "share": 0.75, "expected": 0.5}]},
    "features": [{"name": "dscr", "zh": "偿债备付率", "en": "Debt service <cover>", "gain": 0.3, "csi": 0.4,
                  "limit": 0.01, "bins": 10, "light": "red"}],
    "scope": {"layers": [{"layer": "novel", "rows": 40, "share": 0.02, "expected": 0.01},
                         {"layer": "wide", "rows": 7, "share": 0.0035, "expected": None}],
              "recommendations": {"approve": 0.7, "refer": 0.2, "decline": 0.1}, "size": 2000.0},
    "width": {"mean": 0.02, "median": 0.01, "most": 0.3, "expected": None,
              "psi": {"value": 0.1234, "limit": 0.02, "bins": 10}},
    "kinds": [{"kind": "order", "rows": 1_500, "share": 0.75, "expected": 0.625},
              {"kind": "tidal_flat", "rows": 500, "share": 0.25, "expected": None}],
    "estimated": {"auc": {"value": 0.70, "low": 0.66, "high": 0.74},
                  "default_rate": {"value": 0.031, "low": 0.025, "high": 0.037}, "gate_auc": 0.81, "promised": 0.7,
                  "promised_then": 0.78,
                  "segments": [{"kind": "order", "rows": 1_500, "auc": {"value": 0.69, "low": 0.64, "high": 0.735},
                                "default_rate": {"value": 0.041, "low": 0.03, "high": 0.052}},
                               {"kind": "tidal_flat", "rows": 7, "auc": None, "default_rate": None}],
                  "zh": sentence("caveat", "zh"), "en": sentence("caveat", "en")},
    "ledger": vintage("", horizon_months=12, unmatched=3, without_outcome=4, key="loan_id",
                      auc={"value": 0.74, "low": 0.7, "high": 0.78},
                      promised_auc={"value": 0.71, "low": 0.6, "high": 0.8}),
    "vintages": [vintage("2024Q4"), vintage("2025Q1", matured=0, defaults=None, default_rate=None, low=None, high=None,
                                            predicted=None, jeffreys=None)],
    "early": {"from": 3, "to": 6, "vintages": [{"vintage": "2024Q4", "seen": 100, "early": 9}]},
    "overrides": {"decided": 50, "departed": 10, "share": 0.2, "mix": {"refer>approve": 10}},
    "concentration": [{"by": "basin", "hhi": 0.2527, "effective": 3.957, "largest": 0.29, "groups": 4, "unknown": 0.0}],
    "prices": [{"kind": None, "since": "2024-06-15", "until": "2025-01-01", "move": -0.25}],
    "triggers": [trigger(name, LIGHTS[i % 4]) for i, name in enumerate(VALUES)],
    "light": "red", "fired": ["performance"], "synthetic": True,
}  # fmt: skip


def changed(**parts: Any) -> dict[str, Any]:
    return copy.deepcopy(FOUND) | parts


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_report_carries_its_own_style_and_asks_nobody(lang: str) -> None:
    text = monitor_report(FOUND, lang=lang)
    assert text.count("<style>") == 1
    assert not re.search(r"<script|<link|href=|src=|url\(| style=", text)
    assert "None" not in text and not re.search(r"\bnan\b", text)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_caveat_stands_right_behind_the_expected_figures(lang: str) -> None:
    text = monitor_report(FOUND, lang=lang)
    between = text.split(translator(lang)("monitor.expected_rate"))[1].split(sentence("caveat", lang))[0]
    assert "<h2>" not in between and "3.10%" in between


def test_every_figure_found_is_on_the_page() -> None:
    text = monitor_report(FOUND, lang="en")
    for said in ("0.314", "2.48% – 12.02%", "2024Q4", "0.2527", "-25.00%", "Debt service &lt;cover&gt;", "10 of 50",
                 "0.690 (0.640 – 0.735)", "4.10% (3.00% – 5.20%)", "too few rows", "62.50%", "tidal_flat", "0.123",
                 "Approve", "0.700", "0.660 – 0.740", "0.740; promised by their PDs 0.710", "ab" * 8):  # fmt: skip
        assert said in text, said


def test_what_was_not_given_is_left_out_or_said() -> None:
    bare = changed(ledger=None, vintages=None, early=None, overrides=None, prices=None, features=[], concentration=[],
                   synthetic=False)  # fmt: skip
    bare["grades"] = {"psi": None, "table": []}
    bare["scope"]["recommendations"] = None
    bare["estimated"] |= {"auc": None, "default_rate": None, "segments": []}
    bare["kinds"], bare["width"] = [], bare["width"] | {"psi": None}
    text = monitor_report(bare, lang="en")
    assert "No outcomes were given." in text and 'class="synthetic"' not in text and "<svg" not in text
    assert "None" not in text


def test_what_a_log_held_beside_the_rows_is_said() -> None:
    seen = copy.deepcopy(FOUND["data"]) | {"form": "log"}
    seen["left_out"] = {"other_model": 31, "answered_again": 4, "unreadable": 2}
    text = monitor_report(changed(data=seen), lang="en")
    assert "31 answers of another model, 4 answered again later, 2 that cannot be read" in text
    assert "Left out" not in monitor_report(FOUND, lang="en")


def test_only_the_newest_quarters_are_listed_and_the_total_stands_below() -> None:
    many = [vintage(f"{2010 + i}Q1") for i in range(MOST_VINTAGES + 3)]
    text = monitor_report(changed(vintages=many), lang="en")
    assert "2012Q1" not in text and "2013Q1" in text and "<td>All</td>" in text


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_trigger_has_a_name_and_a_sentence_with_its_numbers(name: str, lang: str) -> None:
    assert translator(lang)(f"monitor.name.{name}")
    said = trigger(name)[lang]
    assert "{" not in said and "None" not in said and any(sign.isdigit() for sign in said)


@pytest.mark.parametrize("name", sorted(set(VALUES) - {"law"}))  # the rulebook is always there
def test_a_trigger_that_is_not_known_says_what_it_needs(name: str) -> None:
    assert sentence(name, "en", {"light": "grey", "values": {}}).endswith(".")
    assert sentence(name, "zh", {"light": "grey", "values": {}}).endswith("。")


def test_a_bar_is_read_in_the_unit_of_its_figure() -> None:
    assert "-25.00%" in trigger("price")["en"] and "bar 20.00%" in trigger("price")["en"]
    assert "PSI 0.314, limit of chance 0.012, bar 0.250" in trigger("score")["en"]
    assert "Fall of matured loans from the gate: 0.070" in trigger("performance")["en"]


def test_a_hair_below_zero_is_shown_as_zero() -> None:
    row = {"light": "green", "values": VALUES["performance"] | {"drop": -1e-9, "matured_drop": -0.01}}
    said = sentence("performance", "en", row)
    assert "fall 0.000," in said and "gate: -0.010" in said


def test_a_long_list_of_names_ends_in_dots() -> None:
    assert listed(list("abcdefgh"), "en") == "a, b, c, d, e, f …"


def test_the_grade_chart_is_drawn_to_scale() -> None:
    drawing = ElementTree.fromstring(str(grade_chart(FOUND["grades"]["table"], translator("en"))))
    bars = [float(e.attrib["height"]) for e in drawing.iter() if e.tag.endswith("rect")][:4]
    # expected 0.5, now 0.25, expected 0.5, now 0.75 of the highest share 0.75 on 90 units
    assert bars == [60.0, 30.0, 60.0, 90.0]
