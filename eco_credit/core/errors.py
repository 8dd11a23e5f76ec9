"""The errors of the house, from the general to the particular.

::

    EcoCreditError
    ├── ContractError        input breaks a field rule                      HTTP 422, exit 3
    ├── RuleNotInForce       the rulebook has no value for that day         HTTP 422, exit 3
    ├── ModelNotServable     a model is missing, altered or not approved    HTTP 503, exit 1
    ├── GateNotMet           a bar of a plan or a promotion is not met      exit 4
    ├── ConservationError    parts do not add up to their whole             HTTP 500, exit 1
    └── StorageUnavailable   a record could not be made durable             HTTP 503, exit 1

"This cannot be appraised" is not an error: it is a decision to refer, with reason codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken field rule. It names the field and the rule, never the value.

    Attributes:
        field: path of the field, such as ``pledges[0].area``.
        rule: stable identifier of the rule, such as ``maximum`` or ``unit_not_stated``.
        en: what is wrong and what to do, in English.
        zh: the same in Chinese.
        row: row number in the source file (1 is the first data row), where there is one.
    """

    field: str
    rule: str
    en: str
    zh: str
    row: int | None = None


class EcoCreditError(Exception):
    """Base of all errors raised on purpose by this project.

    Attributes:
        code: stable identifier, used in problem documents and logs.
        title_en: short title in English.
        title_zh: short title in Chinese.
    """

    code = "error"
    title_en = "The request could not be completed"
    title_zh = "请求未能完成"

    def __init__(self, en: str, zh: str | None = None) -> None:
        """Keep the sentence for people in English and, where given, in Chinese."""
        super().__init__(en)
        self.en = en
        self.zh = zh if zh is not None else en


class ContractError(EcoCreditError):
    """Input breaks one or more field rules of a data contract."""

    code = "contract"
    title_en = "The input breaks the data contract"
    title_zh = "输入不符合数据契约"

    def __init__(self, violations: Iterable[Violation]) -> None:
        """Collect the violations; the sentence lists field and rule of each."""
        self.violations = tuple(violations)
        en = "; ".join(f"{v.field}: {v.en}" for v in self.violations)
        zh = "；".join(f"{v.field}：{v.zh}" for v in self.violations)
        super().__init__(en, zh)


class RuleNotInForce(EcoCreditError):
    """The rulebook holds no value of a rule for the day asked for."""

    code = "rule_not_in_force"
    title_en = "No rule is in force for that day"
    title_zh = "该日没有生效的规则"


class ModelNotServable(EcoCreditError):
    """A model package is missing, altered, unsigned or made for another contract."""

    code = "model_not_servable"
    title_en = "No approved model can be served"
    title_zh = "没有可用的已批准模型"


class GateNotMet(EcoCreditError):
    """A bar of a training plan or of a promotion is not met."""

    code = "gate_not_met"
    title_en = "A gate is not met"
    title_zh = "未通过门槛"


class ConservationError(EcoCreditError):
    """The parts of an amount do not add up to the whole."""

    code = "conservation"
    title_en = "Amounts do not add up"
    title_zh = "金额不守恒"


class StorageUnavailable(EcoCreditError):
    """A record could not be made durable, so nothing was answered."""

    code = "storage_unavailable"
    title_en = "The record could not be stored; nothing was decided"
    title_zh = "记录未能落盘，未作出任何结论"
