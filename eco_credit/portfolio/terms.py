"""Terms of a guarantee as data: read from YAML, checked, blanks filled from the rulebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from eco_credit.core.errors import ContractError, Violation
from eco_credit.portfolio.company import Company, company_of
from eco_credit.portfolio.terms_file import TermsFile, faults
from eco_credit.portfolio.waterfall import Shares
from eco_credit.rulebook import RuleSet

_LARGEST_FILE = 65_536


@dataclass(frozen=True)
class Relief:
    """What is stated of the guarantee for the bank's capital; None is not proved.

    Attributes:
        direct: the bank may claim from the guarantor directly.
        irrevocable: the guarantor cannot cancel, nor make the cover dearer when the debtor gets worse.
        unconditional: nothing outside the bank's control can keep the guarantor from paying in time.
        eligible: the guarantor is on the list of the capital rules the bank works under.
        risk_weight: of a direct exposure to the guarantor, ratio; None takes that of an unrated corporate.
        pd: of the guarantor, ratio; None leaves the IRB figure open.
    """

    direct: bool | None = None
    irrevocable: bool | None = None
    unconditional: bool | None = None
    eligible: bool | None = None
    risk_weight: float | None = None
    pd: float | None = None


@dataclass(frozen=True)
class GuaranteeTerms:
    """Terms with every blank filled. Ratios as ratios, money in yuan, ``recovery_months`` in months.

    ``re_guarantee_fee_rate`` None takes the highest rate by ticket; ``pools`` are first-loss pools in the order they
    pay, party and part of the covered balance; ``company`` the guarantor's own accounts, where the file has them;
    ``relief`` what is stated of the guarantee for the bank's capital; ``loss_model`` the factors that go before those
    of the rulebook, by name.
    ``assumed`` names the values that came from the rulebook because the file left them blank.
    """

    name: str
    authority: str
    exposure: str
    recommendations: tuple[str, ...]
    split: Shares
    bearer: str
    cover: float
    fee_rate: float
    payout_cap: float
    recovery_rate: float
    recovery_months: float
    discount_rate: float
    operating_cost_rate: float
    capital_cost_rate: float
    net_assets: float | None
    stakes: float
    small_or_farm: bool
    counter_guarantee_rate: float
    counter_guarantee_min: float
    re_guarantee_fee_rate: float | None
    subsidy_rate: float
    payout_pause: float
    expected_payout_budget: float | None
    loss_reserve_held: float
    pools: tuple[tuple[str, float], ...]
    company: Company | None
    relief: Relief
    loss_model: Mapping[str, float]
    assumed: tuple[str, ...]


_FROM_RULES = (
    "fee_rate",
    "payout_cap",
    "payout_pause",
    "recovery_rate",
    "recovery_months",
    "discount_rate",
    "operating_cost_rate",
    "capital_cost_rate",
    "counter_guarantee_min",
)


def read_terms(path: Path | None, rules: RuleSet) -> GuaranteeTerms:
    """Read guarantee terms.

    Args:
        path: YAML file; None reads the shipped house terms (estimates).
        rules: rules in force, for the blanks and the named splits.

    Returns:
        Complete terms.

    Raises:
        ContractError: the file is not a terms file, names an unknown field, breaks a bound, its
            shares do not add up (``G01``), or the bearer has no share.
    """
    return terms_of(_load(path), rules)


def terms_of(raw: Any, rules: RuleSet) -> GuaranteeTerms:
    """Check raw terms (a mapping as read from YAML) and fill the blanks; errors as `read_terms`."""
    try:
        file = TermsFile.model_validate(raw)
    except ValidationError as error:
        raise ContractError(faults(error)) from None
    split = _shares(file, rules)
    if split.parts.get(file.bearer, 0) == 0:
        raise ContractError(
            [Violation("bearer", "share", "the bearer has no share in the split", "承担方在分险比例中没有份额")]
        )
    filled = {name: _or_rule(file, name, rules) for name in _FROM_RULES}
    assumed = tuple(name for name in _FROM_RULES if getattr(file, name) is None)
    return GuaranteeTerms(
        name=file.name,
        authority=file.authority,
        exposure=file.exposure,
        recommendations=tuple(file.recommendations),
        split=split,
        bearer=file.bearer,
        cover=file.cover,
        net_assets=file.net_assets,
        stakes=_stakes(file),
        small_or_farm=file.small_or_farm,
        counter_guarantee_rate=file.counter_guarantee_rate,
        re_guarantee_fee_rate=file.re_guarantee_fee_rate,
        subsidy_rate=file.subsidy_rate,
        expected_payout_budget=file.expected_payout_budget,
        loss_reserve_held=file.loss_reserve_held,
        pools=tuple((pool.party, pool.size) for pool in file.pools),
        company=company_of(file),
        loss_model=_loss_model(file, rules),
        relief=Relief() if file.relief is None else Relief(**file.relief.model_dump()),
        assumed=assumed,
        **filled,
    )


def _loss_model(file: TermsFile, rules: RuleSet) -> dict[str, float]:
    """Factors the file states; all parts together must leave something to the loan itself."""
    stated = {} if file.loss_model is None else file.loss_model.model_dump(exclude_none=True)
    parts = {**rules.table("portfolio.loss.factors"), **{k: v for k, v in stated.items() if k != "lgd_price_slope"}}
    if not sum(parts.values()) < 1.0:
        raise ContractError(
            [Violation("loss_model", "sum", "the factors explain all of a loan: their sum is below one",
                       "各因子方差占比之和须小于1")]
        )  # fmt: skip
    return stated


def _stakes(file: TermsFile) -> float:
    """Equity in other guarantors: as the terms state it, else as the company's accounts do; both must agree."""
    held = 0.0 if file.company is None else file.company.guarantor_stakes
    if file.stakes is None:
        return held
    if file.company is not None and abs(file.stakes - held) >= 1.0:
        raise ContractError(
            [Violation("stakes", "differs", "is not company.guarantor_stakes", "与 company.guarantor_stakes 不一致")]
        )
    return file.stakes


def _load(path: Path | None) -> Any:
    if path is None:
        text = (resources.files("eco_credit.portfolio") / "data" / "house.yaml").read_text(encoding="utf-8")
        return yaml.safe_load(text)
    if not path.is_file():
        raise ContractError([Violation("terms", "file", "there is no such terms file", "担保条款文件不存在")])
    if path.stat().st_size > _LARGEST_FILE:
        raise ContractError([Violation("terms", "size", "a terms file has at most 64 KiB", "担保条款文件过大")])
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" {error.problem_mark.line + 1}"
        said = (f"the terms file is not YAML, line{line}", f"担保条款文件不是YAML，第{line.strip()}行")
        raise ContractError([Violation("terms", "yaml", *said)]) from None
    except ValueError:  # bytes that are not UTF-8, or a date that is no day of the calendar
        said = ("the terms file is not YAML in UTF-8, or names a day that does not exist",
                "担保条款文件不是UTF-8编码的YAML，或含有不存在的日期")  # fmt: skip
        raise ContractError([Violation("terms", "yaml", *said)]) from None


def _shares(file: TermsFile, rules: RuleSet) -> Shares:
    if file.mode != "own":
        if file.split is not None:
            raise ContractError(
                [Violation("split", "mode", "a split of your own needs mode: own", "自定分险比例须写 mode: own")]
            )
        return Shares.of(rules.table(f"portfolio.guarantee.{file.mode}"))
    if file.split is None:
        raise ContractError([Violation("split", "missing", "mode own needs a split", "mode: own 须给出分险比例")])
    return Shares.of(file.split)


def _or_rule(file: TermsFile, name: str, rules: RuleSet) -> float:
    value: float | None = getattr(file, name)
    return rules.number(f"portfolio.guarantee.{name}") if value is None else value
