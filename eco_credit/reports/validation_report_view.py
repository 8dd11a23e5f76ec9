"""The parts of a validation report in words and figures, in whatever of them an evaluation holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from eco_credit.reports import validation_report_charts as charts
from eco_credit.reports.formats import UNKNOWN, brief, day, number, percent
from eco_credit.reports.page import Translate
from eco_credit.reports.validation_report_gates import (
    GateLine,
    area,
    figure,
    gate_lines,
    tables_of,
    upper,
    with_span,
    word,
)
from eco_credit.reports.validation_report_model import ModelFacts, Plain, label
from eco_credit.reports.validation_report_tier import spread_line, tier_warnings


def stylesheet() -> str:
    """The style sheet of the report and of the model card."""
    return files("eco_credit.reports").joinpath("templates", "validation_report.css").read_text(encoding="utf-8")


LEAST = 5
"""A grade with fewer loans names its number only."""

SERVED = "tables"
"""Shape of the model itself among those fitted beside it, where the record does not say."""


class View:
    """The parts of the page, each as plain words and figures; None where a part was not run."""

    def __init__(self, evaluation: Plain, facts: ModelFacts, lang: str, t: Translate) -> None:
        self.evaluation, self.facts, self.lang, self.t = evaluation, facts, lang, t
        self.found: Plain = evaluation.get("statistics") or {}
        self.before: Plain = facts.gate.get("statistics") or {}
        self.curves: Plain = evaluation.get("curves") or {}
        self.pd: Plain = self.found.get("pd") or {}
        self.gates = gate_lines(evaluation.get("gates"), lang)
        self.was = {line.id: line.colour for line in gate_lines(facts.gate.get("gates"), lang)}

    def _of(self, name: str) -> tuple[Any, bool]:
        """A part of the statistics, and whether it comes from the record of the training."""
        return (self.found[name], False) if self.found.get(name) else (self.before.get(name), True)

    def summary(self) -> dict[str, Any]:
        """Figures at a glance, what stands in the way, and what to know before reading on."""
        pd, t = self.pd, self.t
        missed = [f"{bar['statistic']} = {figure(bar.get('value'))}" for bar in self.evaluation.get("missed") or []]
        facts = [
            (t("validation.auc"), with_span(pd.get("auc"))), (t("validation.ks"), area(pd.get("ks"))),
            (t("validation.default_rate"), with_span(pd.get("default_rate"), rate=True)),
            (t("validation.mean_pd"), percent(pd.get("mean_pd"))),
            (t("validation.rows"), number(self.found.get("rows"), 0)),
            (t("validation.defaults"), number(pd.get("defaults"), 0)),
        ]  # fmt: skip
        return {"facts": facts, "missed": missed, "warnings": self._warnings(), "red": self._of_colour("red"),
                "amber": self._of_colour("amber")}  # fmt: skip

    def _of_colour(self, colour: str) -> list[GateLine]:
        return [line for line in self.gates if line.colour == colour]

    def _warnings(self) -> list[str]:
        digest = (self.evaluation.get("data") or {}).get("digest")
        trained = (self.facts.manifest.get("data") or {}).get("digest")
        found = [("same_data", digest is not None and digest == trained), ("no_rows", not self.pd),
                 ("no_stability", not self.found.get("stability")), ("no_approver", not self.facts.approver)]
        told = [self.t(f"validation.warning.{name}") for name, holds in found if holds]
        return told + tier_warnings(self.facts, self.t)

    def data(self) -> dict[str, Any]:
        """Training windows, rows evaluated and left out, loans by year, digests."""
        trained, data, t = self.facts.manifest.get("data") or {}, self.evaluation.get("data") or {}, self.t
        support = self.found.get("support") or {}
        rows = [
            ("digest_data", str(data.get("digest") or UNKNOWN)), ("labelled", number(data.get("rows"), 0)),
            ("unlabelled", number(data.get("unlabelled"), 0)), ("refused", percent(support.get("refused"))),
            ("referred", percent(support.get("referred"))), ("digest_training", str(trained.get("digest") or UNKNOWN)),
            ("trained_rows", number(trained.get("rows"), 0)),
            ("dropped", number((trained.get("windows") or {}).get("dropped"), 0)),
        ]  # fmt: skip
        years = [(str(one["year"]), number(one["rows"], 0), number(one.get("defaults"), 0),
                  percent(one.get("default_rate")), percent(one.get("mean_pd")))
                 for one in self.evaluation.get("years") or []]
        return {"rows": [(t(f"validation.of.{key}"), said) for key, said in rows], "years": years,
                "windows": windows(self.facts, self.lang, t)}  # fmt: skip

    def loss_proofs(self) -> list[tuple[str, str, str, str]]:
        """The proof of the value quantiles, from the record of the training: table, steps, violations, worst."""
        found = self.found.get("lgd_proofs") or self.before.get("lgd_proofs") or {}
        return [(self.t("validation.quantile", name=word(name, self.lang)), number(one.get("steps"), 0),
                 number(one.get("violations"), 0), figure(one.get("worst"))) for name, one in sorted(found.items())]

    def unsigned(self) -> dict[str, Any] | None:
        """What the signs cost, from the record of the training."""
        found, _ = self._of("unsigned")
        if not found:
            return None
        rows = [(self._named(one["name"]), self.t(f"validation.sign.{one['sign']}"), with_span(one["gain"]))
                for one in found["broken"]]  # fmt: skip
        return {"rows": rows, "told": self.t("validation.tier.unsigned", gain=with_span(found["gain"]),
                                             kept=found["kept"])}  # fmt: skip

    def risk(self) -> dict[str, Any]:
        """Discrimination and calibration."""
        pd, cox = self.pd, self.pd.get("cox") or {}
        scores = [("brier", with_span(pd.get("brier"))), ("log_loss", with_span(pd.get("log_loss"))),
                  ("ece", figure(pd.get("ece"))), ("ece_to_rate", percent(pd.get("ece_to_rate"))),
                  ("jeffreys", figure(pd.get("jeffreys"))), ("cox_intercept", with_span(cox.get("intercept"))),
                  ("cox_slope", with_span(cox.get("slope"))), *self._in_period(), ("least", percent(pd.get("least"))),
                  ("most", percent(pd.get("most")))]  # fmt: skip
        bins = [(percent(one["pd"]), percent(one["rate"]), f"{percent(one['low'])} – {percent(one['high'])}",
                 number(one["rows"], 0), number(one["defaults"], 0)) for one in self.curves.get("reliability") or []]
        return {"roc": charts.roc_chart(self.curves, self.t), "ks": charts.ks_chart(self.curves, self.t),
                "auc": with_span(pd.get("auc")), "ks_value": area(pd.get("ks")), "bins": bins,
                "reliability": charts.reliability_chart(self.curves, self.t),
                "scores": [(self.t(f"validation.word.{key}"), said) for key, said in scores] if pd else []}  # fmt: skip

    def _in_period(self) -> list[tuple[str, str]]:
        """Calibration within the period of training, out of fold, from the record of the training."""
        found = self._of("in_period")[0] or {}
        return [(f"in_period_{name}", with_span(found[name])) for name in ("intercept", "slope") if name in found]

    def _named(self, name: str) -> str:
        specs = {spec.name: label(spec, self.lang) for spec in self.facts.features.features}
        return specs.get(name, name)

    def stability(self) -> dict[str, Any] | None:
        """PSI of the score and of every input, those that moved most as a chart and the rest as a table."""
        found = self.found.get("stability") or {}
        chart = charts.stability_chart(found, self._named, self.t, limits=self._limits("stability.score.value"))
        if chart is None:
            return None
        inputs = sorted(found.get("inputs", {}).items(), key=lambda item: -item[1]["value"])[charts.MOST_INPUTS :]
        rows = [(self._named(name), number(one["value"], 3), figure(one.get("limit"))) for name, one in inputs]
        return {"chart": chart, "rows": rows}

    def _limits(self, statistic: str) -> list[float]:
        """Upper ends of the green and amber limits of the gate that reads a statistic."""
        listed = self.evaluation.get("gates") or []
        read = [gate for gate in listed if isinstance(gate, Mapping) and gate.get("statistic") == statistic]
        ends = [upper(gate.get(colour)) for gate in read for colour in ("green", "amber")]
        return sorted({end for end in ends if end is not None})

    def grades(self) -> dict[str, Any] | None:
        """PD and default rate of each grade."""
        ends = self.curves.get("grades") or {}
        listed = self.pd.get("grades") or []
        found = [{**one, **ends.get(str(one["grade"]), {})} if one.get("rows", 0) >= LEAST
                 else {"grade": one["grade"], "rows": one.get("rows")} for one in listed]
        if not found:
            return None
        rows = [(str(one["grade"]), number(one.get("rows"), 0), percent(one.get("pd")),
                 percent(one.get("default_rate")), _ends(one), figure(one.get("jeffreys"))) for one in found]
        return {"rows": rows, "chart": charts.grade_chart([one for one in found if "pd" in one], self.t)}

    def loss(self) -> dict[str, Any] | None:
        """LGD and value floor."""
        found = self.found.get("lgd") or {}
        if not found:
            return None
        rates = ("realised", "mae", "floor_coverage", "band_coverage")
        rows = [(self.t("validation.word.loss_rows"), number(found.get("rows"), 0))]
        rows += [(self.t(f"validation.word.{key}"), with_span(found[key], rate=True)) for key in rates if key in found]
        plain = ("mean_lgd", "mae_of_mean", "underestimated", "spearman", "floor_pinball", "fixed_pinball")
        rows += [(self.t(f"validation.word.{key}"), figure(found[key])) for key in plain if key in found]
        return {"rows": rows, "loss": charts.loss_chart(self.curves, self.t),
                "floor": charts.floor_chart(found, self.curves, self.t)}  # fmt: skip

    def walk(self) -> dict[str, Any] | None:
        """Walk-forward folds."""
        found, earlier = self._of("walk_forward")
        chart = charts.walk_chart(found or {}, self.t)
        if chart is None:
            return None
        rows = [(str(fold.get("from", "")), number(fold.get("rows"), 0), number(fold.get("defaults"), 0),
                 area(fold["auc"])) for fold in found["folds"]]
        told = self.t("validation.walk_told", **{key: area(found.get(key)) for key in ("mean", "sd", "worst")})
        return {"chart": chart, "rows": rows, "told": told, "earlier": earlier}

    def comparison(self) -> dict[str, Any] | None:
        """The model beside its benchmark and challengers."""
        benchmark, earlier = self._of("benchmark")
        challengers, _ = self._of("challengers")
        own = self.before.get("pd") if earlier else self.pd
        shapes = _shapes(challengers, self.t)
        others = shapes or [*_others(benchmark, self.t("validation.benchmark")), *_others(challengers, "")]
        paired = tables_of(self.found.get("champion"), self.lang)
        if not others or not own:
            return {"rows": [], "chart": None, "earlier": False, "paired": paired} if paired else None
        rows = [(self.facts.name, own), *others]
        shown = [(name, with_span(one.get("auc")), with_span(one.get("brier")), with_span(one.get("log_loss")),
                  area(one.get("ks")), with_span(one.get("difference"))) for name, one in rows]
        chart = charts.comparison_chart([(name, one.get("auc") or {}) for name, one in rows], self.t)
        return {"rows": shown, "chart": chart, "earlier": earlier, "paired": paired}

    def fairness(self) -> dict[str, Any] | None:
        """Groups the institution lawfully holds, in whatever shape they were measured."""
        found, earlier = self._of("fairness")
        tables = tables_of(found, self.lang)
        return {"tables": tables, "earlier": earlier} if tables else None


def _ends(one: Plain) -> str:
    """The interval of a grade, where there is one."""
    return UNKNOWN if one.get("low") is None else f"{percent(one['low'])} – {percent(one.get('high'))}"


def _shapes(found: Any, t: Translate) -> list[tuple[str, Plain]]:
    """Shapes fitted beside the model, with what the model is ahead of each; empty for another record."""
    if not isinstance(found, Mapping) or "shapes" not in found:
        return []
    served = found.get("served", SERVED)
    ahead = {v["simple"]: v["gain"] for v in found["verdicts"] if v["complex"] == served}
    ahead |= {v["complex"]: _turned(v["gain"]) for v in found["verdicts"] if v["simple"] == served}
    return [
        (t(f"validation.shape.{name}"), {**one, "difference": ahead.get(name)})
        for name, one in found["shapes"].items()
        if name != served
    ]


def _turned(gain: Plain) -> Plain:
    """The same difference seen from the other side."""
    ends = {"value": "value", "low": "high", "high": "low"}
    return {name: None if gain[of] is None else -gain[of] for name, of in ends.items()}


def _others(found: Any, name: str) -> list[tuple[str, Plain]]:
    """Other models with their names: one mapping, a mapping of several, or a list of them."""
    if isinstance(found, Mapping) and "auc" in found:
        return [(str(found.get("name") or name), found)]
    if isinstance(found, Mapping):
        return [(str(key), one) for key, one in found.items() if isinstance(one, Mapping)]
    rows: Sequence[Any] = found if isinstance(found, list | tuple) else ()
    return [(str(one.get("name") or name), one) for one in rows if isinstance(one, Mapping)]


def windows(facts: ModelFacts, lang: str, t: Translate) -> list[tuple[str, str, str, str]]:
    """The windows of the training: name, first day, first day behind it, rows."""
    split, rows = facts.plan.get("split") or {}, (facts.manifest.get("data") or {}).get("windows") or {}
    days = [split.get(name) for name in ("start", "stop", "calibrate", "evaluate", "end")]
    names = ("train", "stop", "calibrate", "evaluate")
    return [(t(f"validation.window.{name}"), day(first, lang), day(last, lang), number(rows.get(name), 0))
            for name, first, last in zip(names, days[:-1], days[1:], strict=True) if name in rows]  # fmt: skip


def provenance(facts: ModelFacts, lang: str, t: Translate) -> list[tuple[str, str]]:
    """Digests and versions behind a model, in lines of name and value."""
    manifest = facts.manifest
    contract, rules = manifest.get("contract") or {}, manifest.get("rules") or {}
    libraries = ", ".join(f"{name} {version}" for name, version in sorted((manifest.get("libraries") or {}).items()))
    return [
        (t("validation.of.package"), facts.digest),
        (t("validation.of.contract"), " ".join(str(contract.get(key, "")) for key in ("name", "version", "digest"))),
        (t("validation.of.rules"), f"{day(rules.get('day'), lang)} {rules.get('digest', '')}"),
        (t("validation.of.digest_training"), str((manifest.get("data") or {}).get("digest", UNKNOWN))),
        *spread_line(facts, t),
        (t("validation.of.plan"), str((manifest.get("plan") or {}).get("digest", UNKNOWN))),
        (t("validation.of.seed"), brief(manifest.get("seed"), 0).replace(",", "")),
        (t("validation.of.code"), str(manifest.get("code_version", UNKNOWN))),
        (t("validation.of.libraries"), libraries or UNKNOWN),
    ]  # fmt: skip
