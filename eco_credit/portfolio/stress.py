"""Stress scenarios as data: one shock acts on collateral value, default and payout together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Floats, number, rounded, text
from eco_credit.core.units import units
from eco_credit.portfolio.balances import SHARE_COLUMNS, average_split
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.cascade import Cents, Waterfall
from eco_credit.portfolio.concentration import by_group
from eco_credit.portfolio.factors import FactorModel
from eco_credit.portfolio.figures import portfolio_figures
from eco_credit.portfolio.simulation import simulate_losses
from eco_credit.portfolio.tails import tail_of
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.portfolio.terms_file import faults
from eco_credit.portfolio.waterfall import Shares
from eco_credit.rulebook import RuleSet

YEARS, ES_LEVEL, _SHIFT = 4_000, 0.99, 0.9
"""Years drawn in a scenario, level of its shortfall; the shift is small so that means are exact too."""
Amount = float | str
"""A number, or the name of a rule ``portfolio.stress.<name>``."""


class Scenario(BaseModel):
    """One scenario as written in the YAML; see ``data/stress.yaml`` for what each field means."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
    zh: Annotated[str, Field(max_length=80)]
    en: Annotated[str, Field(max_length=120)]
    value: dict[str, Amount] = {}
    odds: dict[str, Amount] = {}
    largest_buyer_pd: Amount | None = None
    buyer_value: Amount = 0.0
    withdraw: str | None = None
    payout_cap: Amount | None = None
    counties: list[str] | None = None
    basins: list[str] | None = None


@dataclass(frozen=True)
class Shock:
    """A scenario on the loans of one book: change of collateral value, odds factor, fixed PD; shape (n,) each.

    ``pd`` is NaN where the PD is not fixed.
    """

    value: Floats
    odds: Floats
    pd: Floats


def read_scenarios(path: Path | None = None) -> list[Scenario]:
    """Read stress scenarios; None reads the shipped ones.

    Raises:
        ContractError: the file is missing, no YAML, or not a list of at most fifty scenarios with known fields.
    """
    folder = resources.files("eco_credit.portfolio") / "data"
    try:
        content = (folder / "stress.yaml" if path is None else path).read_text(encoding="utf-8")
        return TypeAdapter(Annotated[list[Scenario], Field(min_length=1, max_length=50)]).validate_python(
            yaml.safe_load(content)
        )
    except ValidationError as error:
        raise ContractError(faults(error, top="stress")) from None
    except (OSError, yaml.YAMLError, ValueError):
        said = ("there is no such file, or it is not YAML in UTF-8", "文件不存在，或不是UTF-8编码的YAML")
        raise ContractError([Violation("stress", "file", *said)]) from None


@units(lgd="dimensionless", change="dimensionless", returns="dimensionless")
def stressed_lgd(lgd: Floats, change: Floats) -> Floats:
    """LGD after a change Δ of collateral value: ``1 − (1 − LGD)(1 + Δ)``, held within 0-1; ratio, shape (n,)."""
    result: Floats = np.clip(1.0 - (1.0 - lgd) * (1.0 + change), 0.0, 1.0)
    return result


@units(pd="dimensionless", factor="dimensionless", returns="dimensionless")
def stressed_pd(pd: Floats, factor: Floats) -> Floats:
    """PD after a factor m on its odds: ``m·PD / (1 + (m − 1)·PD)``; ratio, shape (n,)."""
    result: Floats = factor * pd / (1.0 + (factor - 1.0) * pd)
    return result


def shock_of(scenario: Scenario, book: Exposures, rules: RuleSet) -> Shock:
    """What a scenario does to each loan: Δ by its kinds, odds ``m · e^(−kΔ)``, and the loans of the largest buyer.

    Raises:
        ContractError: a named number is no rule of ``portfolio.stress``.
    """
    count = len(book.exposure)
    where = _where(scenario, book)
    value = np.where(where, _by_kind(scenario.value, book, rules), 0.0)
    odds = np.exp(np.where(where, _by_kind(scenario.odds, book, rules, log=True), 0.0))
    pd = np.full(count, np.nan)
    if scenario.largest_buyer_pd is not None and book.ledger:
        hit = _largest_buyer(book)
        pd = np.where(hit, np.maximum(_number(scenario.largest_buyer_pd, rules), book.pd), pd)
        value = np.where(hit, _number(scenario.buyer_value, rules), value)
    return Shock(value, odds * np.exp(-rules.number("portfolio.stress.pd_per_value") * value), pd)


def stressed_book(book: Exposures, shock: Shock) -> Exposures:
    """The loans after a shock."""
    pd = stressed_pd(book.pd, shock.odds)
    return replace(
        book, pd=np.where(np.isnan(shock.pd), pd, shock.pd), lgd=stressed_lgd(book.lgd, np.maximum(shock.value, -1.0))
    )


def withdrawn(book: Exposures, party: str | None, bearer: str) -> Exposures:
    """The loans with the shares their ledger rows state after a party leaves its share to the bearer."""
    column = {name: place for place, name in SHARE_COLUMNS.items()}
    if party not in column or bearer not in column or party == bearer or column[party] not in book.ledger:
        return book
    left, taken = number(book.ledger, column[party]), number(book.ledger, column[bearer])
    moved = {column[bearer]: np.where(np.isnan(left), taken, np.nan_to_num(taken) + left), column[party]: left * 0.0}
    return replace(book, ledger={**book.ledger, **moved})


def stressed_terms(scenario: Scenario, terms: GuaranteeTerms, rules: RuleSet) -> GuaranteeTerms:
    """The terms after a scenario: a party that withdraws leaves its share to the bearer; another payout cap."""
    parts = dict(terms.split.parts)
    if scenario.withdraw in parts and scenario.withdraw != terms.bearer:
        parts[terms.bearer] += parts.pop(scenario.withdraw)
    cap = terms.payout_cap if scenario.payout_cap is None else _number(scenario.payout_cap, rules)
    return replace(terms, split=Shares(parts), payout_cap=cap)


def run_stress(
    book: Exposures,
    terms: GuaranteeTerms,
    *,
    rules: RuleSet,
    scenarios: list[Scenario] | None = None,
    model: FactorModel | None = None,
) -> list[dict[str, Any]]:
    """Every scenario beside today: expected loss, who bears each layer, payout, margin.

    Args:
        book: the loans.
        terms: the agreement.
        rules: rules in force.
        scenarios: None runs the shipped ones.
        model: what the loans share: years are drawn in each scenario and every figure of loss is a mean over them.
            None puts the expected loss of the scenario through the waterfall as one amount, which says too little
            of layers that only bad years reach.

    Returns:
        Plain data, ``base`` first: ``value_change``, ``touched`` (loans whose value or PD moves), ``other_terms``,
        ``pd``, ``lgd``, ``loss``, ``layers``, ``borne`` (both add up to the loss to the cent), ``payout`` and
        ``payout_es`` (99 %) of the bearer, ``cap_reached`` (probability), ``margin`` of the bearer after pools and cap.
        Money in yuan; without a model ``payout_es`` is None.

    Raises:
        ConservationError: the layers of a loss do not add up to it.
    """
    calm = Scenario(name="base", zh="基准", en="Today")
    found = []
    for scenario in [calm, *(read_scenarios() if scenarios is None else scenarios)]:
        shock, agreed = shock_of(scenario, book, rules), stressed_terms(scenario, terms, rules)
        after = stressed_book(withdrawn(book, scenario.withdraw, terms.bearer), shock)
        whole = float(np.sum(book.exposure))
        change = float(np.sum(book.exposure * shock.value)) / whole if whole > 0.0 else 0.0
        head = {"name": scenario.name, "zh": scenario.zh, "en": scenario.en, "value_change": float(rounded(change, 8)),
                "touched": _touched(shock), "other_terms": agreed != terms}  # fmt: skip
        found.append(head | _result(after, agreed, rules=rules, model=model))
    return found


def _touched(shock: Shock) -> int:
    """Loans a shock reaches; none where it names what the book does not know, such as a buyer without a ledger."""
    moved = (shock.value != 0.0) | (shock.odds != 1.0) | ~np.isnan(shock.pd)
    return int(np.sum(moved))


def _result(book: Exposures, terms: GuaranteeTerms, *, rules: RuleSet, model: FactorModel | None) -> dict[str, Any]:
    """Figures of the loans and terms of one scenario."""
    figures = portfolio_figures(book, terms, rules=rules)
    fall = replace(Waterfall.of(terms, float(np.sum(book.exposure))), shares=average_split(book, terms))
    losses, weights = _years(book, model)
    borne = fall.borne(rounded(losses * 100.0, 0).astype(np.int64))
    parties, layers = (_means(parts, weights) for parts in (borne.parties, borne.layers))
    own = borne.parties.get(terms.bearer, np.zeros(len(losses), dtype=np.int64)) / 100.0
    bearer, paid = figures.bearer, parties.get(terms.bearer, 0) / 100.0
    kept = bearer["net_loss"] / bearer["expected_payout"] if bearer["expected_payout"] > 0.0 else 1.0
    return {
        "pd": figures.loss["pd"],
        "lgd": figures.loss["lgd"],
        "loss": sum(parties.values()) / 100.0,
        "layers": {name: cents / 100.0 for name, cents in layers.items()},
        "borne": {name: cents / 100.0 for name, cents in parties.items()},
        "payout": paid,
        "payout_es": None if model is None else float(rounded(tail_of(own, weights, ES_LEVEL).es)),
        "cap_reached": float(rounded(min(1.0, float(np.mean(weights * (borne.layers["above_cap"] > 0)))), 8)),
        "margin": float(rounded(bearer["margin"] + (bearer["expected_payout"] - paid) * kept)),
    }


def _years(book: Exposures, model: FactorModel | None) -> tuple[Floats, Floats]:
    """Losses of the years of a scenario, yuan, and their weights; the expected loss alone without a model."""
    if model is None or not float(np.sum(book.exposure)) > 0.0:
        return np.array([float(np.sum(book.pd * book.lgd * book.exposure))]), np.ones(1)
    drawn = simulate_losses(book, model, levels=(ES_LEVEL,), scenarios=YEARS, shift=_SHIFT, contributions=False)
    return drawn.losses, drawn.weights


def _means(parts: Mapping[str, Cents], weights: Floats) -> dict[str, int]:
    """Mean of each part over the years in whole cents; the cents add up to the mean of the whole, rounded."""
    means = {name: max(float(np.mean(weights * part)), 0.0) for name, part in parts.items()}
    base = {name: int(np.floor(value)) for name, value in means.items()}
    left = int(rounded(sum(means.values()), 0)) - sum(base.values())
    order = sorted(means, key=lambda name: (base[name] - means[name], name))
    return {name: base[name] + (order.index(name) < left) for name in means}


def _where(scenario: Scenario, book: Exposures) -> Bools:
    """Loans a scenario reaches: all, or those of its counties (code or its beginning) and basins."""
    found = np.ones(len(book.exposure), dtype=bool)
    if scenario.counties is not None:
        starts = tuple(scenario.counties)
        found &= np.array([code is not None and str(code).startswith(starts) for code in book.area], dtype=bool)
    if scenario.basins is not None:
        basins = text(book.ledger, "basin") if book.ledger else np.full(len(found), None, dtype=object)
        found &= np.isin(basins.astype(str), scenario.basins)
    return found


def _by_kind(amounts: Mapping[str, Amount], book: Exposures, rules: RuleSet, *, log: bool = False) -> Floats:
    """Amount of each loan, weighted by the parts its kinds secure; ``all`` is for kinds that are not named."""
    total = np.zeros(len(book.exposure))
    for kind, share in book.share_by_kind.items():
        amount = amounts.get(kind, amounts.get("all"))
        if amount is not None:
            size = _number(amount, rules)
            total = total + share * (float(np.log(size)) if log else size)
    return total


def _largest_buyer(book: Exposures) -> Bools:
    """Loans that rest on the buyer with the largest balance; none where no buyer is known."""
    buyers = text(book.ledger, "buyer_id")
    known = np.array([buyer is not None for buyer in buyers], dtype=bool)
    if not known.any():
        return known
    sums = by_group(buyers[known], book.exposure[known])
    largest = min(sums, key=lambda name: (-sums[name], name))
    found: npt.NDArray[np.bool_] = np.array([buyer == largest for buyer in buyers], dtype=bool)
    return found


def _number(amount: Amount, rules: RuleSet) -> float:
    return rules.number(f"portfolio.stress.{amount}") if isinstance(amount, str) else float(amount)
