"""Both languages say the same things, and templates hold no sentence, script, style or outside address."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter

import pytest

from eco_credit.core.units import STORED_UNITS
from eco_credit.reports.page import words

PACKAGES = ("eco_credit.reports", "eco_credit.reports.papers", "serving.web")
TEMPLATES = [entry for name in PACKAGES for entry in files(name).joinpath("templates").iterdir()
             if entry.name.endswith(".j2")]


def named(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("package", PACKAGES)
def test_both_languages_have_the_same_keys(package):
    assert set(words(package, "zh")) == set(words(package, "en"))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_sentence_takes_the_same_values_in_both_languages(package):
    for key, zh in words(package, "zh").items():
        assert named(zh) == named(words(package, "en")[key]), key


@pytest.mark.parametrize("package", PACKAGES)
def test_english_sentences_hold_no_chinese(package):
    assert [key for key, text in words(package, "en").items() if re.search("[\u4e00-\u9fff]", text)] == []


def test_no_two_rooms_use_one_key_for_two_sentences():
    keys = [key for package in PACKAGES for key in words(package, "zh")]
    assert len(keys) == len(set(keys))


def test_every_stored_unit_has_words():
    named = {key.removeprefix("stored_unit.") for key in words("eco_credit.reports", "zh")}
    assert set(STORED_UNITS) - {"ratio"} <= named


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda entry: entry.name)
def test_a_template_has_no_script_style_attribute_event_or_outside_address(template):
    text = template.read_text(encoding="utf-8")
    assert re.findall(r"<script|style=|\son\w+=|https?://|javascript:", text) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda entry: entry.name)
def test_a_template_holds_no_sentence_of_its_own(template):
    assert re.findall("[\u4e00-\u9fff]+", template.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda entry: entry.name)
def test_every_key_a_template_asks_for_exists(template):
    known = {key for package in PACKAGES for key in words(package, "zh")}
    asked = re.findall(r"""\bt\(["']([a-z_.]+)["'](?!\s*~)""", template.read_text(encoding="utf-8"))
    assert [key for key in asked if key not in known] == []


def test_style_sheets_load_nothing():
    for place, name in (("serving.web", "static/desk.css"), ("eco_credit.reports.papers", "templates/paper.css")):
        text = files(place).joinpath(name).read_text(encoding="utf-8")
        assert re.findall(r"url\(|@import|https?:", text) == []
