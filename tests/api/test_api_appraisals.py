"""Appraisals by the real pipeline: every part the description promises, and the same as a page to print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_service import Client, Ticking, body_of

from eco_credit.reports.page import translator
from serving.app import create_app
from serving.routes.answers import AppraisalAnswer
from serving.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS = ("forest_right", "water_right", "order")


def example(kind: str = "forest_right") -> dict[str, Any]:
    data: dict[str, Any] = json.loads((EXAMPLES / f"{kind}.json").read_text("utf-8"))
    return data


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A service without a model: appraising needs none."""
    with Client(create_app(Settings(access="open", home=tmp_path_factory.mktemp("none")), clock=Ticking())) as client:
        yield client


@pytest.mark.parametrize("kind", KINDS)
def test_an_appraisal_has_every_part_its_description_promises(real: Client, kind: str) -> None:
    answer = real.post("/v1/appraisals", body_of(example(kind))).json()
    AppraisalAnswer.model_validate(answer)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_report_is_a_page_about_the_same_answer(real: Client, lang: str) -> None:
    data = example()
    page = real.post(f"/v1/appraisals/report?lang={lang}", body_of(data))
    assert page.status_code == 200, page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-language"] == {"zh": "zh-CN", "en": "en"}[lang]
    central = real.post("/v1/appraisals", body_of(data)).json()["pledges"][0]["appraisal"]["central"]
    assert f"¥{central:,.2f}" in page.text
    assert translator(lang)("appraisal_report.title") in page.text
    assert translator(lang)("appraisal_report.other_rules") not in page.text


def test_the_report_of_a_pledge_that_breaks_its_contract_is_a_problem_and_no_page(real: Client) -> None:
    alone = {"as_of": "2026-11-23", "pledge": example()["pledges"][0] | {"area": -1.0}}
    refused = real.post("/v1/appraisals/report", body_of(alone))
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_language_the_report_does_not_speak_is_refused(real: Client) -> None:
    assert real.post("/v1/appraisals/report?lang=fr", body_of(example())).status_code == 422
