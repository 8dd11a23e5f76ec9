"""Axe-core over the reports as files, in both languages, on a desk and on a phone. Skips without Chromium."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from batch_rows import StandIn, flat, write_parquet
from look_samples import look
from paper_cases import record
from portfolio_cases import RULES, terms
from test_accessible import broken
from test_accessible_pages import cut_off
from test_appraisal_report import example
from test_browser import tab
from test_gep_report import garze
from test_portfolio_report import book
from test_validation_report import FACTS, evaluation

from eco_credit.portfolio import portfolio_figures, portfolio_outlook, prudential_view
from eco_credit.reports import appraisal_report
from eco_credit.reports.gep_report import gep_report
from eco_credit.reports.memo import memo
from eco_credit.reports.model_card import model_card
from eco_credit.reports.monitor_report import monitor_report
from eco_credit.reports.papers import decision_sheet, investigation_memo, to_html
from eco_credit.reports.portfolio_report import portfolio_report
from eco_credit.reports.validation_report import validation_report
from serving.batch import Options, run_batch
from serving.batch.report import run_report


def portfolio(lang: str, _: Path) -> str:
    loans, agreed = book(), terms(net_assets=2e7)
    figures = {
        "rules_day": "2026-11-23", "rules_hash": RULES.digest,
        **portfolio_figures(loans, agreed, rules=RULES).as_dict(),
        "outlook": portfolio_outlook(loans, agreed, rules=RULES),
        "prudential": prudential_view(loans, rules=RULES, day=dt.date(2026, 11, 23)),
    }  # fmt: skip
    return portfolio_report(figures, lang=lang)


def run(lang: str, folder: Path) -> str:
    columns = flat(6)
    columns["charge_rank"][0] = 0.0
    source = write_parquet(folder / "a.parquet", columns)
    manifest = run_batch(source, folder / "b.parquet", scorer=StandIn(), options=replace(Options(), lang=lang))
    return run_report(manifest, lang=lang)


REPORTS: dict[str, Callable[[str, Path], str]] = {
    "portfolio": portfolio,
    "gep": lambda lang, _: gep_report(garze(), lang=lang),
    "validation": lambda lang, _: validation_report(evaluation(), FACTS, lang=lang),
    "model card": lambda lang, _: model_card(FACTS, lang=lang),
    "monitor": lambda lang, _: monitor_report(look(), lang=lang),
    "run": run,
    "appraisal": lambda lang, _: appraisal_report(*example("water_right"), lang=lang),
    "memo": lambda lang, _: to_html(investigation_memo(record("forest_right"), lang=lang)),
    "sheet": lambda lang, _: to_html(decision_sheet(record("order"), lang=lang)),
    "screen memo": lambda lang, _: memo(record("order").answer, record("order").application, lang=lang),
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_opened_as_a_file_breaks_no_rule_at_either_width(browser, tmp_path, name, lang):
    file = tmp_path / "report.html"
    file.write_text(REPORTS[name](lang, tmp_path), "utf-8")
    faults = []
    for width in (1280, 375):
        page = tab(browser, width=width)
        page.goto(file.as_uri())
        faults += [f"{width}: {one}" for one in [*broken(page), *cut_off(page)]]
        wide = page.evaluate("document.documentElement.scrollWidth")
        faults += [f"{width}: {wide} px wide"] if wide > width else []
        page.context.close()
    assert not faults, "\n".join(faults)
