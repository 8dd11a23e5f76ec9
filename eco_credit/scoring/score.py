"""Answers: from the pipeline's columns to the score answer of one application, and to a result table.

The answer's numbers are rounded here and nowhere else: money to 0.01 yuan, probabilities and ratios
to 1e-8, half away from zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts import Applications, contract
from eco_credit.core.canonical import digest, sha256
from eco_credit.core.numbers import PROBABILITY_DECIMALS, Floats, rounded, rows_of
from eco_credit.core.provenance import ModelRef, Provenance, code_version
from eco_credit.registry import Package
from eco_credit.risk.cells import benchmark_margin
from eco_credit.rulebook import RuleSet
from eco_credit.scoring.pipeline import Results, run
from eco_credit.scoring.pledge_answer import known, pledge_answers
from eco_credit.scoring.reason_columns import reason_columns
from eco_credit.scoring.reasons import MOST, condition, model_reasons, reason_codes
from eco_credit.valuation import EMPTY, LenderBook

MARGINS = ("pd_margin_a", "pd_margin_b", "pd_margin_c", "pd_with_margin")
PD_HORIZON_MONTHS = 12
"""Horizon of the PD target: default within twelve months of scoring."""


@dataclass(frozen=True)
class Scored:
    """Scored applications: columns inside, one answer per row outside."""

    applications: Applications
    results: Results
    rules: RuleSet
    package: Package
    book_hash: str | None = None

    def __len__(self) -> int:
        """Number of applications."""
        return rows_of(self.results.loans)

    def provenance(self, input_hash: str) -> Provenance:
        """What stands behind an answer to the input with this digest."""
        source = contract("application")
        return Provenance(
            contract=f"{source.name}@{source.version}#{source.digest[:16]}",
            rules_day=str(self.rules.day),
            rules_hash=self.rules.digest,
            overlay_hash=self.rules.overlay_digest,
            models=(ModelRef(self.package.name, self.package.version, self.package.digest),),
            code_version=code_version(),
            input_hash=input_hash,
            synthetic_model=self.package.synthetic,
            book_hash=self.book_hash,
        )

    @cached_property
    def _figures(self) -> dict[str, Floats]:
        """Application figures, rounded as they are answered."""
        e, d, r = self.results.estimate, self.results.decisions, self.results
        ratios = {
            "pd": e.pd,
            "pd_low": e.pd_low,
            "pd_high": e.pd_high,
            **{name: getattr(e, name) for name in MARGINS},
            "lgd": e.lgd,
            "lgd_low": e.lgd_low,
            "lgd_high": e.lgd_high,
            "regulatory_lgd": r.regulatory_lgd,
            "expected_loss_rate": d.expected_loss_rate,
            "rate_floor": d.rate_floor,
            "pd_benchmark": e.benchmark,
            "pd_benchmark_margin": benchmark_margin(e.benchmark, r.cell.margin),
        }
        figures = dict(zip(ratios, rounded(np.array(list(ratios.values())), PROBABILITY_DECIMALS), strict=True))
        counts = {"cell_loans": r.cell.loans, "cell_defaults": r.cell.defaults}
        return figures | counts | {"max_loan": d.max_loan, "score": e.score}

    def figure(self, name: str) -> Floats:
        """One application figure as answered: ``pd``, ``lgd``, ``max_loan``, ``score`` and so on, shape (n,)."""
        return self._figures[name]

    def grade(self, row: int) -> str | None:
        """Grade of one application; None where the model gave no PD."""
        grade = self.results.estimate.grade[row]
        return None if grade is None else str(grade)

    def reasons(self, row: int, most: int = MOST) -> list[dict[str, Any]]:
        """Reasons of one application: gates and policy first, model reasons after, never mixed."""
        hits = [code for code, rows in self.results.decisions.reasons.items() if rows[row]]
        scale = self.package.bundle.scale
        model = model_reasons(
            self.results.estimate.tellable,
            row,
            points_per_logit=scale.points_per_logit,
            least=scale.least_reason,
            most=most,
        )
        return [reason_codes()[code].as_dict() for code in hits] + (model if self.grade(row) is not None else [])

    def reason_columns(self, columns: int) -> list[npt.NDArray[np.object_]]:
        """Codes of the first so many `reasons` of every application, shape (n,) each, None where there are fewer."""
        return reason_columns(
            self.results.decisions.reasons,
            self.results.estimate.tellable,
            graded=self.results.estimate.grade != np.array(None, dtype=object),
            least=self.package.bundle.scale.least_reason,
            columns=columns,
        )

    def answer(self, row: int, *, input_hash: str | None = None, decision_id: str | None = None) -> dict[str, Any]:
        """The score answer of one application, as plain data.

        Args:
            row: which application.
            input_hash: digest of the canonical input; without it the digest of the row's own columns is used.
            decision_id: identifier of the record; without it one is made from input, rules, model and book.

        Returns:
            The fields of ``POST /v1/scores``.
        """
        loans, f = self.results.loans, {name: known(float(col[row])) for name, col in self._figures.items()}
        application_id = str(loans["application_id"][row])
        source = input_hash or digest({name: str(column[row]) for name, column in loans.items()})
        provenance = self.provenance(source)
        behind = [source, provenance.rules_hash, self.package.digest, *([self.book_hash] if self.book_hash else [])]
        made = decision_id or "d-" + digest(behind)[:26]
        return {
            "decision_id": made,
            "application_id": application_id,
            "as_of": str(loans["as_of"][row]),
            "currency": "CNY",
            "pledges": self.pledge_answers(row),
            "pd": {"value": f["pd"], "low": f["pd_low"], "high": f["pd_high"], "horizon_months": PD_HORIZON_MONTHS}
            | {name: f[f"pd_{name}"] for name in ("benchmark", "benchmark_margin")}
            | {name: f[name] for name in ("cell_loans", "cell_defaults")}
            | {"margin": {name[-1]: f[name] for name in MARGINS[:3]}, "with_margin": f["pd_with_margin"]}
            | {"flag": self.package.bundle.pd.flag},
            "lgd": {"value": f["lgd"], "low": f["lgd_low"], "high": f["lgd_high"]},
            "regulatory_lgd": f["regulatory_lgd"],
            "expected_loss_rate": f["expected_loss_rate"],
            "score": f["score"],
            "grade": self.grade(row),
            "recommendation": self.results.decisions.recommendation[row],
            "max_loan": f["max_loan"],
            "rate_floor": f["rate_floor"],
            "conditions": [condition(c) for c, rows in self.results.decisions.conditions.items() if rows[row]],
            "reasons": self.reasons(row),
            "out_of_scope": bool(self.results.estimate.out_of_scope[row]),
            "provenance": provenance.as_dict(),
        }

    def feature_digests(self) -> list[str]:
        """SHA-256 of each application's row of features: name and exact value of every feature, in name order."""
        table = self.results.features
        names = sorted(table)
        head = "\n".join(names).encode()
        columns = [_exact(table[name]) for name in names]
        return [sha256(head + "\n".join(values).encode()) for values in zip(*columns, strict=True)]

    def pledge_answers(self, row: int) -> list[dict[str, Any]]:
        """The pledges of one application, in the order they were submitted."""
        return pledge_answers(self.results.pledges, row)


def _exact(column: npt.NDArray[np.generic]) -> list[str]:
    values = column.tolist()
    if column.dtype == np.float64:
        return [*map(float.hex, values)]
    return [value.hex() if isinstance(value, float) else str(value) for value in values]


def score_applications(
    applications: Applications, rules: RuleSet, package: Package, book: LenderBook = EMPTY
) -> Scored:
    """Score applications that share one rule day.

    Args:
        applications: validated applications as columns.
        rules: the rules of the day.
        package: a verified model package.
        book: what the lender holds already.

    Returns:
        The scored applications.
    """
    return Scored(applications, run(applications, rules, package, book), rules, package, book.digest)
