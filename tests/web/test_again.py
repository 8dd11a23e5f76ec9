"""A recorded appraisal is printed with what the record leaves out only where a new appraisal agrees with the record."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from appraisal_details import without_details

from serving.cli.demo import example_path
from serving.models import Champions
from serving.pipeline import House
from serving.settings import Settings
from serving.state import State
from serving.web.again import with_details


@pytest.fixture
def state(tmp_path: Path) -> State:
    settings = Settings(access="open", home=tmp_path)
    return State(settings, Champions(settings), House())


@pytest.fixture
def application() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(example_path("forest_right").read_text("utf-8"))
    return found


def recorded(state: State, application: dict[str, Any]) -> dict[str, Any]:
    """The answer as a score records it: two drivers, no gates, assumptions and payments."""
    answer = copy.deepcopy(House().appraise(application, state.champions.book(), None))
    return answer | {"pledges": [without_details(pledge) for pledge in answer["pledges"]]}


def test_a_record_the_rules_still_give_is_printed_with_all_details(state, application):
    answer = recorded(state, application)
    assert with_details(state, answer, application) == House().appraise(application, state.champions.book(), None)


def test_a_record_made_by_other_rules_stays_as_it_is(state, application):
    answer = recorded(state, application)
    answer["provenance"]["rules_hash"] = "00" * 32
    assert with_details(state, answer, application) == answer


def test_a_record_that_differs_in_one_step_stays_as_it_is(state, application):
    answer = recorded(state, application)
    answer["pledges"][0]["appraisal"]["steps"][1]["value"] += 1.0
    assert with_details(state, answer, application) == answer


def test_gates_that_close_otherwise_than_recorded_are_left_out(state, application):
    answer = recorded(state, application)
    answer["pledges"][0]["ineligible_reasons"] = [{"code": "F02", "zh": "", "en": ""}]
    found = with_details(state, answer, application)["pledges"][0]
    assert "gates" not in found
    assert found["appraisal"]["assumptions"]


def test_an_application_the_contract_no_longer_takes_leaves_the_record_as_it_is(state, application):
    answer = recorded(state, application)
    application["pledges"][0]["field_of_old"] = 1
    assert with_details(state, answer, application) == answer
