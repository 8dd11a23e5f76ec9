"""The year ahead of a portfolio as plain data: distribution, layers, loans to look at, stress, groupings, plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from eco_credit.core.numbers import Bools, Floats, rounded
from eco_credit.portfolio.balances import average_split, bearer_share
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.cascade import Borne, Waterfall
from eco_credit.portfolio.concentration import UNSTATED, by_group
from eco_credit.portfolio.counter import lacking
from eco_credit.portfolio.factors import FactorModel, correlation_of, main_kind, model_lines
from eco_credit.portfolio.figures import PortfolioFigures, portfolio_figures
from eco_credit.portfolio.groupings import concentrations, vintages
from eco_credit.portfolio.limits import Caps, plan_limits
from eco_credit.portfolio.loss import pool_quantile
from eco_credit.portfolio.rounding import rate, yuan
from eco_credit.portfolio.simulation import SCENARIOS, SEED, LossDistribution, simulate_losses
from eco_credit.portfolio.solvency import caps_of, weighted_balance
from eco_credit.portfolio.staging import stages
from eco_credit.portfolio.stress import Scenario, run_stress
from eco_credit.portfolio.tails import tail_of
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.rulebook import RuleSet

Say = Callable[[str], None]
_CURVE = 80
_WATCHED, _CUT = 15, 30


def portfolio_outlook(
    book: Exposures,
    terms: GuaranteeTerms,
    *,
    rules: RuleSet,
    scenarios: list[Scenario] | None = None,
    say: Say = lambda _: None,
) -> dict[str, Any] | None:
    """What a year may cost, who would bear it, and where to look first.

    Args:
        book: the loans.
        terms: the agreement.
        rules: rules in force.
        scenarios: stress scenarios; None runs the shipped ones.
        say: told each step as it begins, for people who wait.

    Returns:
        ``distribution``, ``model`` (what it rests on), ``parties``, ``account`` (payout and break-even fee of the
        bearer after pools and cap), ``cap``, ``watch``, ``stress``, ``groupings``, ``vintages``, ``plan``; money in
        yuan, ratios as parts of one.
        None for a portfolio without balance.

    Raises:
        ConservationError: the layers of a loss do not add up to it.
    """
    if not float(np.sum(book.exposure)) > 0.0:
        return None
    say("loss distribution / 损失分布")
    levels = (rules.number("portfolio.loss.confidence"), rules.number("portfolio.loss.es_level"))
    model = FactorModel.of(rules, terms.loss_model)
    found = simulate_losses(book, model, levels=levels)
    fall = replace(Waterfall.of(terms, float(np.sum(book.exposure))), shares=average_split(book, terms))
    borne = fall.borne(rounded(found.losses * 100.0, 0).astype(np.int64))
    say("stress scenarios / 压力情景")
    stress = run_stress(book, terms, rules=rules, scenarios=scenarios, model=model)
    say("limits / 额度方案")
    return {
        "distribution": _distribution(book, found, correlation_of(rules, terms.loss_model)),
        "model": model_lines(rules, terms.loss_model),
        "parties": [_party(name, part / 100.0, found, levels[0]) for name, part in borne.parties.items() if part.any()],
        "account": _account(borne, found, portfolio_figures(book, terms, rules=rules)),
        "cap": _cap(borne, fall, found, terms),
        "watch": _watch(book, found, _flags(book, terms, rules)),
        "stress": stress,
        "groupings": concentrations(book),
        "vintages": vintages(book),
        "plan": _plan(book, terms, rules),
    }


def _distribution(book: Exposures, found: LossDistribution, correlation: float) -> dict[str, Any]:
    """Mean, tails with their errors, the one-factor closed form beside them, and the curve of exceedance."""
    lost = float(np.sum(book.exposure * book.pd * book.lgd))
    closed = {q: yuan(pool_quantile(book.pd, book.lgd, book.exposure, correlation=correlation, level=q))
              for q in found.tails}  # fmt: skip
    return {
        "scenarios": len(found.losses),
        "seed": SEED,
        "asked": SCENARIOS,
        "pooled": found.pooled,
        "mean": yuan(found.mean),
        "mean_error": yuan(found.mean_error),
        "expected": yuan(lost),
        "tails": [
            {name: _rounded(name, value) for name, value in asdict(tail).items()} | {"closed_form": closed[tail.level]}
            for tail in found.tails.values()
        ],
        "curve": _curve(found),
    }


def _curve(found: LossDistribution) -> list[list[float]]:
    """Loss and the probability that a year costs more, from one half down to one in ten thousand."""
    order = np.argsort(-found.losses, kind="stable")
    beyond = np.add.accumulate(found.weights[order]) / len(order)
    places = np.searchsorted(beyond, np.geomspace(0.5, 1e-4, _CURVE))
    return [[yuan(float(found.losses[order[min(at, len(order) - 1)]])), rate(float(beyond[min(at, len(order) - 1)]))]
            for at in places]  # fmt: skip


def _party(name: str, loss: Floats, found: LossDistribution, level: float) -> dict[str, Any]:
    """What one party bears: mean, and its own tail."""
    tail = tail_of(loss, found.weights, level)
    mean = float(np.mean(found.weights * loss))
    return {"party": name, "mean": yuan(mean), "level": level, "var": yuan(tail.var), "es": yuan(tail.es),
            "es_error": yuan(tail.es_error)}  # fmt: skip


def _account(borne: Borne, found: LossDistribution, figures: PortfolioFigures) -> dict[str, float]:
    """Payout of the bearer over the years drawn, after pools and cap, and the fee that breaks even with it."""
    bearer = figures.bearer
    own = borne.parties.get(figures.terms["bearer"], np.zeros(len(found.losses), dtype=np.int64)) / 100.0
    paid = float(np.mean(found.weights * own))
    kept = bearer["net_loss"] / bearer["expected_payout"] if bearer["expected_payout"] > 0.0 else 1.0
    fee = bearer["break_even_fee"] - (bearer["expected_payout"] - paid) * kept
    base = bearer["fee_base"]
    return {
        "payout": yuan(paid),
        "break_even_fee": yuan(fee),
        "break_even_fee_rate": rate(fee / base) if base > 0.0 else 0.0,
        "margin": yuan(bearer["fee_income"] - fee),
    }


def _cap(borne: Borne, fall: Waterfall, found: LossDistribution, terms: GuaranteeTerms) -> dict[str, Any]:
    """How often the payout cap and the pause line are reached, and what goes back to the bank."""
    over = borne.layers["above_cap"]
    asked = (borne.layers["shared"] + over) * (1.0 - fall.shares.ratio("bank"))
    size = fall.cap or 0
    return {
        "cap": size / 100.0,
        "reached": _chance(found, over > 0),
        "paused": _chance(found, asked >= size * terms.payout_pause) if size else None,
        "back_to_bank": yuan(float(np.mean(found.weights * over)) / 100.0),
        "pools": sum(cents for _, cents in fall.pools) / 100.0,
    }


def _chance(found: LossDistribution, reached: Bools) -> float:
    """Probability of what happens in the years marked."""
    return rate(min(1.0, float(np.mean(found.weights * reached))))


def _flags(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> dict[str, Bools]:
    """What else speaks for a look at a loan, by name: stage, a cap it breaks, a weak counter-guarantee; shape (n,)."""
    stage, caps = stages(book.ledger, len(book.exposure), rules=rules), caps_of(book, terms, rules)
    each = weighted_balance(book, terms, rules)
    sums = by_group(book.client, each)
    own = np.array([sums[UNSTATED if name is None else str(name)] for name in book.client])
    return {
        "stage_3": stage == 3,
        "stage_2": stage == 2,
        "single": np.zeros(len(own), dtype=bool) if caps is None else own > caps.single,
        "counter": lacking(book, terms, rules) > 0.0,
    }


def _watch(book: Exposures, found: LossDistribution, flags: dict[str, Bools]) -> list[dict[str, Any]]:
    """Loans that add most to the expected shortfall, largest first, equal ones by number."""
    order = sorted(range(len(book.exposure)), key=lambda at: (-found.contribution[at], str(book.application_id[at])))
    total, kinds = float(np.sum(found.contribution)), main_kind(book)
    return [
        {
            "application_id": str(book.application_id[at]),
            "kind": kinds[at],
            "area": book.area[at],
            "exposure": yuan(float(book.exposure[at])),
            "pd": rate(float(book.pd[at])),
            "lgd": rate(float(book.lgd[at])),
            "expected_loss": yuan(float(book.exposure[at] * book.pd[at] * book.lgd[at])),
            "contribution": yuan(float(found.contribution[at])),
            "share": rate(float(found.contribution[at]) / total) if total > 0.0 else None,
            "flags": [name for name, where in flags.items() if where[at]],
        }
        for at in order[:_WATCHED]
    ]


def _plan(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> dict[str, Any] | None:
    """Limits under the budget of the terms; None without a budget."""
    if terms.expected_payout_budget is None:
        return None
    share, law, caps = bearer_share(book, terms), caps_of(book, terms, rules), None
    if law is not None:
        other = 0.0 if terms.company is None else terms.company.other_weighted_balance
        caps = Caps(weighted_balance(book, terms, rules), book.group, each=max(law.group, 0.0),
                    whole=max(law.balance - other, 0.0), also=((book.client, max(law.single, 0.0)),))  # fmt: skip
    cost = book.exposure * book.pd * book.lgd * share
    plan = plan_limits(book.exposure, cost, terms.expected_payout_budget, caps=caps)
    asked = float(np.sum(book.exposure))
    return {
        "budget": yuan(terms.expected_payout_budget),
        "asked": yuan(asked),
        "asked_payout": yuan(float(np.sum(cost))),
        "granted": yuan(plan.value),
        "bound": yuan(plan.bound),
        "gap": rate(plan.gap),
        "spent": yuan(plan.spent),
        "full": int(np.sum(plan.granted >= 1.0 - 1e-9)),
        "part": int(np.sum((plan.granted > 1e-9) & (plan.granted < 1.0 - 1e-9))),
        "none": int(np.sum(plan.granted <= 1e-9)),
        "cut": _cut(book, plan.granted, cost),
    }


def _cut(book: Exposures, granted: Floats, cost: Floats) -> list[dict[str, Any]]:
    """Loans the plan does not grant in full, dearest in calls per balance first, equal ones by number."""
    dear = book.pd * book.lgd
    rows = [at for at in range(len(granted)) if granted[at] < 1.0 - 1e-9]
    rows.sort(key=lambda at: (-dear[at], str(book.application_id[at])))
    return [
        {
            "application_id": str(book.application_id[at]),
            "asked": yuan(float(book.exposure[at])),
            "granted": yuan(float(book.exposure[at] * granted[at])),
            "rate": rate(float(dear[at])),
            "payout": yuan(float(cost[at])),
        }
        for at in rows[:_CUT]
    ]


def _rounded(name: str, value: float) -> float:
    return value if name == "level" else round(value, 1) if name == "gain" else yuan(value)
