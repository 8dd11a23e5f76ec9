"""The model card inside a package, as Markdown; `eco_credit.reports.model_card` prints it as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eco_credit.reports.validation_report_gates import GateLine, gate_lines
from training.datasets import Tape
from training.plan import Plan
from training.split import Windows

SIGNS = {1: "+", -1: "-", 0: "free"}


def card(plan: Plan, tape: Tape, windows: Windows, gate: Mapping[str, Any]) -> str:
    """Write the model card: purpose, population, windows, inputs with signs, statistics, gates, limits.

    Args:
        plan: the training plan.
        tape: labelled rows.
        windows: the split.
        gate: content of ``gate.json``.

    Returns:
        Markdown. What only a person can write is left as an explicit blank.
    """
    parts = [f"# {plan.name}", plan.about + ".", *_population(plan, tape, windows), *_inputs(tape), *_figures(gate)]
    if tape.synthetic:
        parts.insert(1, "**Trained on synthetic loans. It says nothing about any real portfolio.**")
    return "\n\n".join([*parts, _limits(plan), _people()]) + "\n"


def _population(plan: Plan, tape: Tape, windows: Windows) -> list[str]:
    s, counts = plan.split, windows.counts()
    rows = [
        f"| train | {s.start} to {s.stop} | {counts['train']} |",
        f"| early stopping, then part of the fit | {s.stop} to {s.calibrate} | {counts['stop']} |",
        f"| calibration | {s.calibrate} to {s.evaluate} | {counts['calibrate']} |",
        f"| out of time | {s.evaluate} to {s.end} | {counts['evaluate']} |",
    ]
    return [
        "## Data",
        f"Contract `{tape.contract.name}` {tape.contract.version}, data digest `{tape.digest[:16]}`, "
        f"{tape.labelled} labelled rows, {tape.unlabelled} without outcome, {windows.dropped} dropped because "
        "their borrower stands in an earlier window.",
        *([tape.whole.words()] if tape.whole else []),
        "| window | days | rows |\n|---|---|---|\n" + "\n".join(rows),
    ]


def _inputs(tape: Tape) -> list[str]:
    rows = [f"| {i.name} | {i.zh} | {i.unit} | {SIGNS[i.monotone]} | {SIGNS[i.monotone_lvr]} |" for i in tape.inputs]
    head = "| input | zh | unit | sign on PD | sign on value ratio |\n|---|---|---|---|---|\n"
    return ["## Inputs and signs", head + "\n".join(rows)]


def _figures(gate: Mapping[str, Any]) -> list[str]:
    head = "| gate | statistic | value | limits | light |\n|---|---|---|---|---|\n"
    rows = "\n".join(
        f"| {line.id} | {_cell(line.statistic or line.name)} | {line.value} | {_limits_of(line)} | {_light(line)} |"
        for line in gate_lines(gate["gates"], "en")
    )
    pd = gate["statistics"]["pd"]
    auc = pd["auc"]
    words = (
        f"Out of time: {_area(auc)}, {pd['defaults']} defaults, "
        f"default rate {pd['default_rate']['value']:.4f}, mean PD {pd['mean_pd']:.4f}."
    )
    status = f"Status: **{gate['status']}**."
    return ["## Statistics and gates", words, _tier(gate), _margins(gate), status, head + rows]


def _tier(gate: Mapping[str, Any]) -> str:
    """What the number of defaults allows, what is served, and why where the two differ."""
    tier = gate["statistics"]["tier"]
    told = f"Defaults allow: {tier['champion']} ({tier['defaults']:.0f} in time and calibration, "
    told += f"{tier['out_of_time']:.0f} out of time). Served: {tier['shape']}."
    if tier["forced"] == "richer":
        told += f" **Richer than the defaults allow, which the approver must accept**; reason given: {tier['reason']}."
    return told + (f" **{tier['flag']}**." if tier["flag"] else "")


def _margins(gate: Mapping[str, Any]) -> str:
    """Margins of conservatism on the PD, each apart; the PD itself is the best estimate."""
    head = "The PD served is the best estimate; margins of conservatism stand beside it.\n\n"
    head += "| category | for | points | part of PD | how |\n|---|---|---|---|---|\n"
    rows = [f"| {i['category'].upper()} | {_cell(i['name'])} | {i['absolute']:.4f} | {i['relative']:.3f} | "
            f"{_cell(i['about'])} |" for i in gate["statistics"]["margins"]["pd"]["items"]]  # fmt: skip
    return head + "\n".join(rows)


def _area(auc: Mapping[str, Any]) -> str:
    if auc["value"] is None:
        return "no AUC, as all outcomes are alike"
    return f"AUC {auc['value']:.3f} (95 % {auc['low']:.3f} to {auc['high']:.3f})"


def _limits_of(line: GateLine) -> str:
    return _cell("; ".join(f"{colour} {said}" for colour, said in line.limits))


def _cell(said: str) -> str:
    """Words in a cell of a Markdown table."""
    return said.replace("|", "\\|")


def _light(line: GateLine) -> str:
    return line.colour.replace("_", " ")


def _limits(plan: Plan) -> str:
    return (
        "## Limits\n\nSigns are economic priors. Probabilities are point in time for the calibration window; the "
        "long-run rate is stored beside them. Outcomes are assigned by date of origination. Rows outside the ranges "
        f"of training are referred or refused. Horizon: {plan.pd.horizon_months} months."
    )


def _people() -> str:
    return "## For people to fill in\n\nOwner: ____  Validator: ____  Accepted amber gates and why: ____"
