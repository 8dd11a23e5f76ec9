"""The feature contract of a package: names in order, signs, families, codes of text features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.errors import ModelNotServable
from eco_credit.core.numbers import Bools, Columns, Floats, rows_of, text
from eco_credit.risk.checks import defect, mapping, member, real, sequence, word


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One input of the models.

    Attributes:
        name: column name.
        unit: stored unit.
        monotone: sign on the PD: +1, -1, or 0 for none.
        family: reason family.
        zh: label in Chinese.
        en: label in English.
        applies: feature that must be above zero for this one to be expected (``share_forest``), or None.
        levels: code of a text feature to its number, fixed at training; None for a numeric feature.
    """

    name: str
    unit: str
    monotone: int
    family: str
    zh: str
    en: str
    applies: str | None = None
    levels: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class FeatureList:
    """All inputs of a package, in order, and the wording of their families.

    Attributes:
        features: the inputs.
        families: family to ``(zh, en)``.
    """

    features: tuple[FeatureSpec, ...]
    families: Mapping[str, tuple[str, str]]

    @classmethod
    def parse(cls, value: Any, where: str = "features.json") -> FeatureList:
        """Read ``{features: [{name, unit, monotone, family, zh, en, applies?, levels?}], families: {f: {zh, en}}}``.

        Raises:
            ModelNotServable: a doubled name, a family without words, an ``applies`` that is no feature.
        """
        data = mapping(value, where)
        families = _families(member(data, "families", where), f"{where}.families")
        items = sequence(member(data, "features", where), where)
        features = tuple(_feature(item, f"{where}.features") for item in items)
        names = {feature.name for feature in features}
        if not features or len(names) != len(features):
            raise defect(where, "distinct features were expected", "特征应非空且不重复")
        for feature in features:
            if feature.family not in families or (feature.applies or feature.name) not in names:
                raise defect(f"{where}.{feature.name}", "unknown family or condition", "原因族或适用条件未知")
        return cls(features, families)

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names in order."""
        return tuple(feature.name for feature in self.features)

    def encode(self, columns: Columns) -> tuple[Columns, Bools]:
        """The inputs as numbers, in the order of the list.

        Args:
            columns: at least the features, shape (n,) each.

        Returns:
            float64 columns (unknown is NaN), and the rows with a text level never seen in training, shape (n,).

        Raises:
            ModelNotServable: a feature is not in the table: the feature contracts differ.
        """
        missing = [name for name in self.names if name not in columns]
        if missing:
            raise ModelNotServable(
                f"the model needs the feature {missing[0]}, which this version does not compute",
                f"模型需要特征 {missing[0]}，本版本未计算该特征",
            )
        plain = [feature.name for feature in self.features if feature.levels is None]
        cells = np.array([columns[name] for name in plain], dtype=np.float64).reshape(len(plain), rows_of(columns))
        infinite = np.isinf(cells)
        cells[infinite] = np.nan
        encoded: Columns = dict(zip(plain, cells, strict=True))
        unseen: Bools = np.logical_or.reduce(infinite, axis=0)
        for feature in self.features:
            if feature.levels is not None:
                encoded[feature.name], new = _coded(feature.name, feature.levels, columns)
                unseen |= new
        return {name: encoded[name] for name in self.names}, unseen


def _coded(name: str, levels: Mapping[str, float], columns: Columns) -> tuple[Floats, Bools]:
    words = text(columns, name)
    codes = np.array([np.nan if item is None else levels.get(str(item), np.nan) for item in words], np.float64)
    return codes, np.array([item is not None and str(item) not in levels for item in words], dtype=bool)


def _families(value: Any, where: str) -> dict[str, tuple[str, str]]:
    words = {family: mapping(item, f"{where}.{family}") for family, item in mapping(value, where).items()}
    return {
        family: (word(member(item, "zh", where), where), word(member(item, "en", where), where))
        for family, item in words.items()
    }


def _feature(value: Any, where: str) -> FeatureSpec:
    data = mapping(value, where)
    texts = {key: word(member(data, key, where), f"{where}.{key}") for key in ("name", "unit", "family", "zh", "en")}
    sign = real(member(data, "monotone", where), f"{where}.{texts['name']}.monotone", -1.0, 1.0)
    if sign != int(sign):
        raise defect(f"{where}.{texts['name']}", "the sign must be -1, 0 or 1", "符号应为 -1、0 或 1")
    applies, levels = data.get("applies"), data.get("levels")
    return FeatureSpec(
        **texts,
        monotone=int(sign),
        applies=None if applies is None else word(applies, where),
        levels=None if levels is None else {k: real(v, where) for k, v in mapping(levels, where).items()},
    )
