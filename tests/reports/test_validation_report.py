"""The validation report and the model card say what the record says, in order, in two languages, and hold no loan."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.reports.figures import HARMS, HELPS
from eco_credit.reports.figures_frame import ticks
from eco_credit.reports.figures_model import heat_map, shade
from eco_credit.reports.formats import percent
from eco_credit.reports.model_card import SECTIONS as CARD_SECTIONS
from eco_credit.reports.model_card import model_card
from eco_credit.reports.page import translator, words
from eco_credit.reports.validation_report import CHAPTERS, SECTIONS, validation_report
from eco_credit.reports.validation_report_gates import area, counts, figure, gate_lines, tables_of, with_span
from eco_credit.reports.validation_report_model import ModelFacts
from eco_credit.reports.validation_report_tables import kept_bins, pair_papers, papers, proof_lines, steps_of
from eco_credit.risk import FeatureList, FeatureSpec, Grid, PairTable, Scale, TableModel
from training import curves

LANGS = ("zh", "en")
LTV = FeatureSpec("ltv", "ratio", 1, "security", "抵质押率", "Loan to value")
BUYER = FeatureSpec("buyer", "code", 0, "order", "买方类别", "Buyer kind", levels={"firm": 0.0, "state": 1.0})
FAMILIES = {"security": ("抵质押覆盖", "Cover"), "order": ("订单", "Order")}
TABLE = TableModel(
    -3.0,
    (Grid("ltv", np.array([0.4, 0.6])), Grid("buyer", np.array([0.5]))),
    (np.array([-0.5, 0.1, 0.7, 0.2]), np.array([0.3, -0.3, 0.0])),
    (PairTable(0, 1, np.array([[0.0, 0.1, 0.0], [0.0, 0.1, 0.0], [0.2, 0.3, 0.0], [0.0, 0.0, 0.0]])),),
)  # fmt: skip
SCALE = Scale(("A", "B"), np.array([0.05, 1.0]), 600.0, 50.0, 20.0, 0.05)
FACTS = ModelFacts(
    name="forest-pd", version="3", digest="ab" * 32, synthetic=True, trainer="li", approver="",
    manifest={"data": {"digest": "d" * 64, "rows": 400, "windows": {"train": 200, "evaluate": 90, "dropped": 4}},
              "rules": {"day": "2026-11-23", "digest": "r" * 64}, "seed": 7, "code_version": "0.1.0",
              "contract": {"name": "loan_tape", "version": "1.0.0", "digest": "c" * 64}, "libraries": {"numpy": "2"}},
    gate={"status": "amber", "gates": [{"gate": "G1a", "statistic": "pd.auc.low", "value": 0.71, "green": "0.7 to 1",
                                        "light": "green"}]},
    plan={"about": "A hand-made model", "split": {"start": "2014-01-01", "stop": "2020-01-01",
                                                  "calibrate": "2021-01-01", "evaluate": "2022-01-01",
                                                  "end": "2023-01-01"}},
    features=FeatureList((LTV, BUYER), FAMILIES), table=TABLE, slope=1.0, scale=SCALE,
    ranges={"ltv": {"low": 0.1, "high": 0.9, "gain": 0.8}, "buyer": {"low": 0.0, "high": 1.0, "gain": 0.2}},
    horizon=12,
)  # fmt: skip


def interval(value: float) -> dict[str, float]:
    return {"value": value, "low": value * 0.9, "high": value * 1.1}


def sample(seed: int = 5, n: int = 400) -> tuple[Any, Any, Any]:
    """Defaults and PDs of one made-up portfolio."""
    rng = np.random.default_rng(seed)
    p = np.exp(rng.normal(-3.0, 0.8, n))
    return (rng.random(n) < p).astype(np.float64), p, np.ones(n)


def evaluation(**changed: Any) -> dict[str, Any]:
    """An evaluation with every part, in the shape of today."""
    y, p, w = sample()
    pd = {"auc": interval(0.7654), "ks": 0.4321, "brier": interval(0.0456), "log_loss": interval(0.1234),
          "default_rate": interval(0.0567), "mean_pd": 0.0543, "defaults": 23, "ece": 0.0111, "ece_to_rate": 0.1958,
          "jeffreys": 0.0321, "cox": {"intercept": interval(0.0777), "slope": interval(1.0888)}, "least": 0.0101,
          "most": 0.3303, "grades": [{"grade": "A", "rows": 300, "pd": 0.0123, "default_rate": 0.0137,
                                      "jeffreys": 0.4444},
                                     {"grade": "B", "rows": 3, "pd": 0.0987, "default_rate": 0.3333,
                                      "jeffreys": 0.0666}]}
    statistics = {
        "rows": 406, "support": {"refused": 0.0148, "referred": 0.0369}, "pd": pd,
        "lgd": {"rows": 21, "realised": interval(0.4141), "mean_lgd": 0.4567, "floor_coverage": interval(0.8888),
                "band_coverage": interval(0.8765), "floor_pinball": 0.0161},
        "stability": {"score": {"value": 0.0717, "limit": 0.02, "bins": 10},
                      "inputs": {"ltv": {"value": 0.0313, "limit": 0.02, "bins": 10}}},
        "walk_forward": {"folds": [{"from": "2016-05-01", "rows": 100, "defaults": 9, "auc": 0.7171}], "mean": 0.7171,
                         "sd": 0.0, "worst": 0.7171},
        "benchmark": {"auc": interval(0.7222), "difference": interval(0.0432)},
        "challengers": [{"name": "forest <depth 6>", "auc": interval(0.7111)}],
        "fairness": {"groups": [{"group": "county", "level": "north", "air": 0.8181, "rows": 55}]},
    }  # fmt: skip
    drawn = {"roc": curves.roc(y, p, w), "ks": curves.ks(y, p, w), "reliability": curves.reliability(y, p, w),
             "cox": curves.cox_line(y, p, w), "grades": {"A": {"low": 0.0041, "high": 0.0299}}}  # fmt: skip
    gates = [
        {"id": "G1a", "name_zh": "下限", "name_en": "Floor", "statistic": "pd.auc.low", "value": 0.6889, "low": 0.65,
         "high": 0.72, "n": 406, "green": [0.7, 1.0], "amber": [0.65, 1.0], "colour": "amber", "source": "practice",
         "note": "set per portfolio"},
        {"id": "G9", "name_zh": "公平", "name_en": "Fair", "value": None, "colour": "not measured"},
    ]  # fmt: skip
    years = [{"year": 2022, "rows": 402, "defaults": 23, "default_rate": 0.0572, "mean_pd": 0.0544},
             {"year": 2023, "rows": 4}]  # fmt: skip
    return {"data": {"digest": "e" * 64, "rows": 406, "unlabelled": 12}, "statistics": statistics, "gates": gates,
            "missed": [], "curves": drawn, "years": years} | changed  # fmt: skip


@pytest.fixture(scope="module", params=LANGS)
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def text(lang: str) -> str:
    return validation_report(evaluation(), FACTS, lang=lang)


def section(text: str, name: str) -> str:
    """The part of a page between the head of a section and its end."""
    return text.split(f'<section id="{name}"')[1].split("</section>")[0]


def test_the_chapters_stand_in_order_with_their_numbers(text: str, lang: str) -> None:
    assert re.findall(r'<section id="(\w+)"', text) == list(SECTIONS)
    t = translator(lang)
    for place, name in enumerate(SECTIONS, start=1):
        assert f"<h2>{place}　{t(f'validation.sections.{name}')}</h2>" in section(text, name).replace("&amp;", "&")


def test_both_languages_have_the_same_words() -> None:
    zh, en = (set(words("eco_credit.reports", lang)) for lang in LANGS)
    assert {key for key in zh ^ en if key.startswith(("validation.", "card."))} == set()


def test_the_numbers_on_the_page_are_those_of_the_record(text: str) -> None:
    found = evaluation()["statistics"]
    pd, lgd = found["pd"], found["lgd"]
    assert "0.765 (0.689 – 0.842)" in section(text, "summary")  # 0.7654 and ten percent around it
    for said in (with_span(pd["brier"]), with_span(pd["cox"]["slope"]), figure(pd["jeffreys"]), figure(pd["ece"])):
        assert said in section(text, "calibration")
    assert area(pd["ks"]) in section(text, "discrimination")
    for said in ("1.23%", "1.37%", "0.41% – 2.99%", "0.4444"):
        assert said in section(text, "grades")
    assert with_span(lgd["floor_coverage"], rate=True) in section(text, "loss") and "0.4567" in section(text, "loss")
    assert "0.072" in section(text, "stability") and "0.717" in section(text, "walk")
    assert with_span(found["benchmark"]["difference"]) in section(text, "comparison")
    assert "0.8181" in section(text, "fairness") and "1.48%" in section(text, "data")
    assert percent(pd["mean_pd"]) in section(text, "summary")


def test_gates_show_value_interval_limits_colour_source_and_what_they_were_at_training(text: str, lang: str) -> None:
    body, t = section(text, "gates"), translator(lang)
    for said in ("0.6889", "0.65 – 0.72", "n = 406", "0.7 – 1", "0.65 – 1", "practice", "set per portfolio"):
        assert said in body
    assert t("validation.colour.amber") in body and t("validation.colour.not_run") in body
    assert ("下限" if lang == "zh" else "Floor") in body
    assert t("validation.colour.green") in body.split("G9")[0]  # at training


@pytest.mark.parametrize(
    "gates",
    [
        [{"gate": "G2a", "statistic": "pd.jeffreys", "value": 0.004, "green": "0.05 to 1", "light": "red"}],
        {"G2a": "red"},
        [{"id": "G2a", "colour": "RED", "value": 0.004}],
    ],
)
def test_gates_are_read_in_every_known_shape(gates: Any) -> None:
    lines = gate_lines(gates, "en")
    assert counts(lines) == {"red": 1, "amber": 0, "green": 0, "not_run": 0}
    assert lines[0].name == "PD of the portfolio is not too low"
    assert "<b>G2a</b>" in section(validation_report(evaluation(gates=gates), FACTS, lang="en"), "summary")


def test_the_champion_is_compared_on_the_same_loans(lang: str) -> None:
    found = evaluation()
    found["statistics"]["champion"] = {"rows": 400, "challenger": interval(0.7), "champion": interval(0.6),
                                       "auc": interval(0.1), "superior": 0.0123}  # fmt: skip
    body = section(validation_report(found, FACTS, lang=lang), "comparison")
    assert translator(lang)("validation.paired") in body and "0.1 (0.09 – 0.11)" in body and "0.0123" in body


def test_shapes_fitted_beside_the_model_stand_with_its_lead_over_each(lang: str) -> None:
    found = evaluation()
    verdicts = [{"complex": "tables", "simple": "mains", "gain": interval(0.0311)},
                {"complex": "forest", "simple": "tables", "gain": interval(0.0122)}]  # fmt: skip
    shapes = {name: {"auc": interval(0.7)} for name in ("tables", "mains", "forest")}
    found["statistics"]["challengers"] = {"shapes": shapes, "verdicts": verdicts}
    rows = section(validation_report(found, FACTS, lang=lang), "comparison").split("<tr>")[1:]
    words = [translator(lang)(f"validation.shape.{name}") for name in ("mains", "forest")]
    (mains,), (forest,) = ([row for row in rows if word in row] for word in words)
    assert "0.031" in mains and "-0.012" in forest and not any("shapes" in row or ">tables<" in row for row in rows)


def test_what_was_not_run_says_so_in_its_chapter(lang: str) -> None:
    bare = validation_report({}, FACTS, lang=lang)
    parts = ("discrimination", "calibration", "stability", "grades", "loss", "walk", "comparison", "fairness", "gates")
    assert all(translator(lang)("validation.not_run") in section(bare, name) for name in parts)
    assert "<svg" in section(bare, "model") and "None" not in bare


def test_what_only_a_training_measures_is_taken_from_its_record_and_marked(lang: str) -> None:
    full = evaluation()["statistics"]
    now = {key: part for key, part in full.items() if key not in ("walk_forward", "benchmark", "challengers")}
    facts = replace(FACTS, gate={"status": "green", "gates": [], "statistics": full})
    body = validation_report(evaluation(statistics=now), facts, lang=lang)
    assert translator(lang)("validation.earlier") in section(body, "walk")
    assert translator(lang)("validation.earlier") not in section(validation_report(evaluation(), facts), "walk")


def test_a_synthetic_model_is_marked_in_the_head_that_repeats_on_every_page(text: str, lang: str) -> None:
    mark = translator(lang)("validation.mark")
    assert mark in text.split("<thead>")[1].split("</thead>")[0] and 'class="synthetic"' in text
    real = validation_report(evaluation(), replace(FACTS, synthetic=False), lang=lang)
    assert mark not in real and 'class="synthetic"' not in real


def test_a_page_carries_its_own_style_and_asks_nobody(text: str, lang: str) -> None:
    for page in (text, model_card(FACTS, lang=lang)):
        assert page.count("<style>") == 1
        assert not re.search(r"<script|<link|href=|src=|url\(| style=|@import", page)
        assert set(re.findall(r"https?://[^\"'\s<]+", page)) <= {"http://www.w3.org/2000/svg"}
        assert "nan" not in re.sub(r"[a-zA-Z]*(?:finan|nant|nance)\w*", "", page)


def test_words_from_outside_are_escaped(lang: str) -> None:
    evil = "<script>alert(1)</script>"
    found = evaluation(
        gates=[{"id": evil, "name_en": evil, "name_zh": evil, "source": evil, "note": evil, "colour": evil}],
        missed=[{"statistic": evil, "value": 1.0}],
    )
    found["statistics"]["fairness"] = [{evil: evil}]
    found["statistics"]["benchmark"] = {evil: {"auc": interval(0.7)}}
    spec = replace(LTV, zh=evil, en=evil)
    facts = replace(FACTS, name=evil, trainer=evil, plan={"about": evil}, features=FeatureList((spec, BUYER), FAMILIES))
    for page in (validation_report(found, facts, lang=lang), model_card(facts, lang=lang)):
        assert "<script" not in page and "&lt;script&gt;" in page


def test_evaluating_on_the_training_data_is_said_aloud(text: str, lang: str) -> None:
    warned = validation_report(evaluation(data={"digest": "d" * 64}), FACTS, lang=lang)
    said = translator(lang)("validation.warning.same_data")
    assert said in section(warned, "summary") and said not in text


def test_people_find_blanks_and_a_table_to_sign(text: str, lang: str) -> None:
    body = section(text, "people")
    assert re.findall(r'id="blank-(\w+)"', body) == list(CHAPTERS)
    assert body.count("<td></td>") == 16  # four signers, four empty cells each
    assert re.findall(r'<section id="(\w+)"', model_card(FACTS, lang=lang)) == list(CARD_SECTIONS)


def test_a_year_or_a_grade_of_few_loans_names_its_number_only(text: str) -> None:
    assert re.search(r"<td>2023</td><td class=\"num\">4</td><td class=\"num\">—</td>", section(text, "data"))
    assert "9.87%" not in section(text, "grades") and "33.33%" not in section(text, "grades")


def test_the_curve_of_a_numeric_feature_has_the_steps_of_its_table() -> None:
    steps = steps_of(FACTS, LTV, "?")
    # ends a quarter of 0.6 - 0.4 beyond the outer thresholds
    assert steps.edges == pytest.approx((0.35, 0.4, 0.6, 0.65)) and steps.values == (-0.5, 0.1, 0.7)
    assert steps.unknown == (0.2, "?") and steps.names == ()


def test_a_threshold_that_parts_known_from_unknown_is_no_bin_on_paper() -> None:
    table = replace(TABLE, grids=(Grid("ltv", np.array([0.4, 1e300])), TABLE.grids[1]))
    facts = replace(FACTS, table=table)
    assert steps_of(facts, LTV, "?").values == (-0.5, 0.1)
    assert [b.where for b in papers(facts, "en", translator("en"))[0].bins] == ["≤ 0.4", "> 0.4", "missing"]
    (pair,) = pair_papers(facts, "en", translator("en"))
    assert "1e+300" not in pair.figure and "0.4" not in pair.figure  # the first two bins of ltv agree in every cell


def test_the_curve_of_a_text_feature_has_a_bin_for_each_code() -> None:
    steps = steps_of(FACTS, BUYER, "?")
    assert steps.names == ("firm", "state") and steps.values == (0.3, -0.3)


def test_bins_are_printed_with_logits_and_points() -> None:
    first, second = papers(FACTS, "en", translator("en"))
    assert (first.code, first.sign, first.gain) == ("ltv", "more is riskier", "80.0%")
    # 20 points double the odds: 20 / ln 2 = 28.854 points for one logit; 0.7 logits cost 20.2
    assert [(b.where, b.logit, b.points) for b in first.bins] == [
        ("≤ 0.4", "-0.500", "14.4"), ("0.4 – 0.6", "0.100", "-2.9"), ("> 0.6", "0.700", "-20.2"),
        ("missing", "0.200", "-5.8"),
    ]  # fmt: skip
    assert "-20.2 points" in first.figure and "+14.4 points" in first.figure
    assert [b.where for b in second.bins] == ["firm", "state", "missing"]


def test_a_curve_is_drawn_to_scale() -> None:
    figure = papers(FACTS, "en", translator("en"))[0].figure
    boxes = [one for one in ElementTree.fromstring(figure).iter() if one.tag.endswith("rect")]
    heights = [float(one.get("height", "0")) for one in boxes]
    # the table has -0.5, 0.1, 0.7 and 0.2 for unknown: heights stand to one another as their sizes
    assert [h / heights[1] for h in heights] == pytest.approx([5.0, 1.0, 7.0, 2.0], rel=0.02)
    assert [one.get("fill") for one in boxes] == [HELPS, HARMS, HARMS, HARMS]
    # 0.05, 0.2 and 0.05 of an axis of 0.3
    widths = [float(one.get("width", "0")) for one in boxes[:3]]
    assert widths[1] / widths[0] == pytest.approx(4.0, rel=0.01) and widths[0] == pytest.approx(widths[2], rel=0.01)


def test_pairs_are_mapped_with_equal_bins_joined() -> None:
    (pair,) = pair_papers(FACTS, "en", translator("en"))
    assert pair.name == "Loan to value × Buyer kind" and pair.spread == "0.3"
    # the first two bins of ltv are equal in every cell: three are left, the one for unknown included
    assert kept_bins(TABLE.pairs[0].values) == [1, 2, 3]
    boxes = [one for one in ElementTree.fromstring(pair.figure).iter() if one.tag.endswith("rect")]
    assert {one.get("fill") for one in boxes} == {shade(0.0), shade(1 / 3), shade(2 / 3), shade(1.0)}


def test_the_proof_is_worked_out_on_the_tables() -> None:
    (line,) = proof_lines(FACTS, "en", translator("en"))
    # steps of ltv: -0.5 to 0.1 is +0.6, 0.1 to 0.7 is +0.6 and +0.2 of the pair; never below zero
    assert (line.steps, line.violations, line.worst) == (2, 0, "0")
    broken = replace(TABLE, mains=(np.array([-0.5, 0.1, -0.4, 0.2]), TABLE.mains[1]))
    (line,) = proof_lines(replace(FACTS, table=broken), "en", translator("en"))
    assert (line.violations, line.worst) == (1, "-0.5")  # 0.1 to -0.4; the pair adds nothing where buyer is unknown


def test_no_loan_is_on_the_page() -> None:
    y, p, w = sample(n=5_000)
    drawn = {"roc": curves.roc(y, p, w), "ks": curves.ks(y, p, w), "reliability": curves.reliability(y, p, w)}
    page = validation_report(evaluation(curves=drawn), FACTS)
    assert len(drawn["roc"]["fpr"]) <= 200 and len(drawn["ks"]["share"]) <= 200
    assert max(len(places.split()) for places in re.findall(r'points="([^"]+)"', page)) <= 400  # a band goes both ways
    assert len(page) < 200_000


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=300), st.integers(1, 200))
def test_every_group_has_five_rows_and_equal_values_stay_together(values: list[int], most: int) -> None:
    x = np.array(values, dtype=np.float64)
    group = curves.groups_of(x, np.ones(len(x)), most)
    sizes = np.bincount(group)
    assert len(sizes) <= most and (sizes.min() >= 5 or len(sizes) == 1)
    order = np.argsort(x, kind="stable")
    assert (np.diff(group[order]) >= 0).all()
    assert all(len(set(group[x == one])) == 1 for one in set(values))


@given(st.integers(0, 2**32 - 1), st.integers(20, 600))
@settings(deadline=None, max_examples=30)
def test_a_roc_curve_rises_from_corner_to_corner_inside_its_band(seed: int, n: int) -> None:
    y, p, w = sample(seed, n)
    y[0], y[1] = 0.0, 1.0
    found = curves.roc(y, p, w)
    assert (found["fpr"][0], found["tpr"][0]) == (0.0, 0.0)
    assert (found["fpr"][-1], found["tpr"][-1]) == (pytest.approx(1.0), pytest.approx(1.0))
    assert (np.diff(found["fpr"]) >= -1e-12).all() and (np.diff(found["tpr"]) >= -1e-12).all()
    ends = zip(found["low"], found["tpr"], found["high"], strict=True)
    assert all(low <= share + 1e-9 and share <= high + 1e-9 for low, share, high in ends)


def test_points_of_the_curves_by_hand() -> None:
    # ten loans, the five riskiest with four of the five defaults
    y = np.array([0, 0, 0, 0, 1, 0, 1, 1, 1, 1], dtype=np.float64)
    p, w = np.linspace(0.05, 0.5, 10), np.ones(10)
    assert curves.roc(y, p, w)["tpr"] == pytest.approx([0.0, 0.8, 1.0])
    assert curves.roc(y, p, w)["fpr"] == pytest.approx([0.0, 0.2, 1.0])
    found = curves.ks(y, p, w)
    assert found["share"] == pytest.approx([0.0, 0.5, 1.0]) and found["at"] == pytest.approx(0.5)
    low, high = curves.reliability(y, p, w)
    assert (low["rate"], high["rate"]) == pytest.approx((0.2, 0.8)) and low["pd"] == pytest.approx(0.15)
    assert (low["rows"], high["defaults"]) == (5, 4)


def test_cox_line_of_exact_odds_is_the_diagonal() -> None:
    # rates of 1/4 and 1/2 where 1/4 and 1/2 were estimated
    p = np.repeat([0.25, 0.5], 8)
    y = np.array([1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0], dtype=np.float64)
    found = curves.cox_line(y, p, np.ones(16))
    assert found == pytest.approx({"intercept": 0.0, "slope": 1.0}, abs=1e-6)


def test_statistics_of_any_shape_become_tables() -> None:
    first, second = tables_of({"note": "x", "groups": [{"level": "a", "air": interval(0.9)}]}, "en")
    assert first.rows == (("Note", "x"),)
    assert second.name == "Groups" and second.rows == (("a", "0.9 (0.81 – 0.99)"),)
    assert tables_of(None, "en") == []


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_inside(low: float, width: float) -> None:
    found = ticks(low, low + width)
    assert len(found) <= 7
    assert all(low - width * 0.01 <= value <= low + width * 1.01 for value in found)


def test_a_map_of_one_value_is_one_box_a_row() -> None:
    drawn = heat_map([[0.0] * 9, [0.0] * 9], ticks=([], []), names=("<a>", "b"), title="t")
    assert drawn.count("<rect") == 2 and "<a>" not in drawn


def test_the_commands_write_report_and_card_whole_or_not_at_all(demo_home: Path, tmp_path: Path) -> None:
    import json

    from typer import Typer
    from typer.testing import CliRunner

    from training.cli import register
    from training.simulate import simulate_tape
    from training.simulate.tape import write_tape

    write_tape(simulate_tape(900, seed=3), tmp_path / "new.parquet")
    app = Typer()
    register(app)
    run, out = CliRunner(), tmp_path / "report.html"
    asked = ["evaluate", "eco-credit@champion", str(tmp_path / "new.parquet"), "--home", str(demo_home), "--json"]
    made = run.invoke(app, [*asked, "--report", str(out), "--lang", "en"])
    assert made.exit_code == 0, made.output
    found = json.loads(made.stdout)
    page = out.read_text(encoding="utf-8")
    assert with_span(found["statistics"]["pd"]["auc"]) in section(page, "summary") and "curves" not in found
    assert 'class="synthetic"' in page and "未运行" not in section(page, "discrimination")
    drawn = run.invoke(app, ["card", "eco-credit@champion", "--out", str(tmp_path / "card.html"), "--home",
                             str(demo_home), "--json"])  # fmt: skip
    drawn_page = (tmp_path / "card.html").read_text(encoding="utf-8")
    assert drawn.exit_code == 0 and "模型卡" in drawn_page and "demo-approver" in drawn_page
    assert run.invoke(app, [*asked, "--report", str(tmp_path / "x.pdf")]).exit_code == 2
    (tmp_path / "bad.csv").write_text("nothing\n1\n")
    asked[2] = str(tmp_path / "bad.csv")
    assert run.invoke(app, [*asked, "--report", str(tmp_path / "y.html")]).exit_code == 3
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bad.csv", "card.html", "new.parquet", "report.html"]
