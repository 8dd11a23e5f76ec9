"""The table model on paper: a curve and its bins for every feature, the strongest pairs, the proof of monotony."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from eco_credit.core.numbers import Floats
from eco_credit.reports.figures_frame import Point, Tick
from eco_credit.reports.figures_model import Steps, heat_map, step_curve
from eco_credit.reports.formats import brief, number, percent
from eco_credit.reports.page import Translate, words
from eco_credit.reports.validation_report_gates import figure
from eco_credit.reports.validation_report_model import ModelFacts, label
from eco_credit.risk import FeatureSpec, Grid, PairTable, monotone_violations
from eco_credit.risk.monotone import worst_steps

BOUNDLESS = 1e100
"""No value of a feature is as large as this."""
MOST_PAIRS = 6
"""Most pair tables drawn."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a main table in words: where, logits, points."""

    where: str
    logit: str
    points: str


@dataclass(frozen=True, slots=True)
class Paper:
    """One feature on paper.

    Attributes:
        name: the feature in words, with its unit.
        code: its column name.
        sign: its sign on the PD in words, from the contract.
        gain: its part in the model, in percent.
        figure: the curve.
        bins: the bins behind it.
    """

    name: str
    code: str
    sign: str
    gain: str
    figure: Markup
    bins: tuple[Bin, ...]


def papers(facts: ModelFacts, lang: str, t: Translate) -> list[Paper]:
    """Every feature of the PD model, the one with the largest part in the model first."""
    return [_paper(facts, spec, lang, t) for spec in facts.used()]


def _paper(facts: ModelFacts, spec: FeatureSpec, lang: str, t: Translate) -> Paper:
    steps = steps_of(facts, spec, t("validation.unknown_bin"))
    values, points = [*steps.values, steps.unknown[0]], facts.points_per_logit
    ends = (_points(max(values) * points, t), _points(min(values) * points, t))
    name, sign = named(spec, lang), t(f"validation.sign.{spec.monotone}")
    drawn = step_curve(steps, ticks_x=_ticks(facts, spec, steps), points=ends, title=f"{name}: {sign}")
    bins = [Bin(where, number(value, 3), tenths(value * points))
            for where, value in zip([*bin_names(facts, spec, steps), steps.unknown[1]], values, strict=True)]
    return Paper(name, spec.name, sign, percent(facts.gain(spec.name), 1), drawn, tuple(bins))


def _points(value: float, t: Translate) -> str:
    return f"{'+' if value > 0.0 else ''}{tenths(value)} {t('validation.points')}"


def tenths(points: float) -> str:
    """Score points with one decimal, nothing below a twentieth of a point.

    Example:
        >>> tenths(-0.01), tenths(-2.96)
        ('0.0', '-3.0')
    """
    return number(round(points, 1) + 0.0, 1)


def named(spec: FeatureSpec, lang: str) -> str:
    """Name of a feature with its unit; a ratio goes without."""
    unit = words("eco_credit.reports", lang).get(f"stored_unit.{spec.unit}", spec.unit)
    return label(spec, lang) + (f" ({unit})" if unit and spec.unit != "ratio" else "")


def thresholds(facts: ModelFacts, name: str) -> Floats:
    """Thresholds of a feature of the PD model that a value can lie beyond, rising."""
    return reachable(facts.table.grids[facts.table.names.index(name)])[0]


def reachable(grid: Grid) -> tuple[Floats, list[int]]:
    """Thresholds and ordered bins of a grid that values can reach.

    A tree that parts known from unknown has a threshold of 1e300: nothing lies beyond it.

    Example:
        >>> cuts, bins = reachable(Grid("x", np.array([0.5, 1e300])))
        >>> cuts.tolist(), bins
        ([0.5], [0, 1])
    """
    inside = np.abs(grid.thresholds) < BOUNDLESS
    below = int((grid.thresholds <= -BOUNDLESS).sum())
    return grid.thresholds[inside], [below + k for k in range(int(inside.sum()) + 1)]


def steps_of(facts: ModelFacts, spec: FeatureSpec, unknown: str) -> Steps:
    """The main table of a feature as a step curve, in logits.

    The first and the last bin of a numeric feature have no outer end and are drawn a quarter of the distance between
    the outer thresholds wide; a text feature has one bin for each code, by name.

    Args:
        facts: the model.
        spec: one of its features.
        unknown: name of the bin for unknown.
    """
    main = facts.table.mains[facts.table.names.index(spec.name)]
    cuts, bins = reachable(facts.table.grids[facts.table.names.index(spec.name)])
    last = (float(main[-1]), unknown)
    if spec.levels:
        codes = sorted(spec.levels, key=lambda code: spec.levels[code] if spec.levels else 0.0)
        at = [bins[int(np.searchsorted(cuts, spec.levels[code]))] for code in codes]
        edges = tuple(float(k) for k in range(len(codes) + 1))
        return Steps(edges, tuple(float(main[k]) for k in at), tuple(codes), last)
    low, high = _reach(cuts)
    return Steps((low, *map(float, cuts), high), tuple(float(main[k]) for k in bins), (), last)


def _reach(cuts: Floats) -> Point:
    """Where the open ends of a numeric feature are cut off on paper."""
    if not len(cuts):
        return 0.0, 1.0
    first, last = float(cuts[0]), float(cuts[-1])
    room = 0.25 * (last - first) or abs(first) or 1.0
    return first - room, last + room


def bin_names(facts: ModelFacts, spec: FeatureSpec, steps: Steps) -> list[str]:
    """Bins in words: ``≤ a``, ``a – b``, ``> b``, or the codes of a text feature; a threshold belongs to its left."""
    if steps.names:
        return list(steps.names)
    cuts = [brief(cut) for cut in thresholds(facts, spec.name).tolist()]
    if not cuts:
        return ["−∞ – +∞"]
    return [f"≤ {cuts[0]}", *(f"{a} – {b}" for a, b in pairwise(cuts)), f"> {cuts[-1]}"]


def _ticks(facts: ModelFacts, spec: FeatureSpec, steps: Steps) -> list[Tick]:
    """Thresholds named below a curve, as many as have room; the codes of a text feature."""
    if steps.names:
        return [(place + 0.5, name) for place, name in enumerate(steps.names)]
    return spaced([(cut, brief(cut, 3)) for cut in thresholds(facts, spec.name).tolist()],
                  (steps.edges[0], steps.edges[-1]))  # fmt: skip


def spaced(places: Sequence[Tick], ends: Point, least: float = 0.2) -> list[Tick]:
    """Ticks that keep a distance from one another: the first, and each that has room after the one before.

    Example:
        >>> spaced([(0.0, "a"), (0.1, "b"), (0.5, "c")], (0.0, 1.0))
        [(0.0, 'a'), (0.5, 'c')]
    """
    kept: list[Tick] = []
    for place, said in places:
        if not kept or place - kept[-1][0] >= least * (ends[1] - ends[0]):
            kept.append((place, said))
    return kept


@dataclass(frozen=True, slots=True)
class PairPaper:
    """One pair on paper: both features in words, the distance from its lowest to its highest value, the map."""

    name: str
    spread: str
    figure: Markup


def spread(pair: PairTable) -> float:
    """Strength of a pair: its highest value less its lowest, logits."""
    return float(pair.values.max() - pair.values.min())


def pair_papers(facts: ModelFacts, lang: str, t: Translate) -> list[PairPaper]:
    """The strongest pairs of the PD model as maps, the strongest first."""
    strongest = sorted(facts.table.pairs, key=lambda pair: -spread(pair))[:MOST_PAIRS]
    return [_pair(facts, pair, lang, t) for pair in strongest if spread(pair) > 0.0]


def _pair(facts: ModelFacts, pair: PairTable, lang: str, t: Translate) -> PairPaper:
    specs = {spec.name: spec for spec in facts.features.features}
    first, second = (facts.table.grids[side] for side in (pair.a, pair.b))
    names = named(specs[first.name], lang), named(specs[second.name], lang)
    values = pair.values[np.ix_(*([*reachable(grid)[1], grid.bins - 1] for grid in (first, second)))]
    across, up = kept_bins(values), kept_bins(values.T)
    unknown = t("validation.unknown_bin")
    ticks = tuple(_bin_ticks(reachable(grid)[0], kept, unknown)
                  for grid, kept in ((first, across), (second, up)))  # fmt: skip
    cells = values[np.ix_(across, up)].T.tolist()
    title = " × ".join(names)
    return PairPaper(title, figure(spread(pair)), heat_map(cells, ticks=(ticks[0], ticks[1]), names=names, title=title))


def kept_bins(values: Floats) -> list[int]:
    """Bins that differ from the next one in some cell; the last ordered bin and the bin for unknown always stay.

    Example:
        >>> kept_bins(np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 2.0], [0.0, 0.0]]))
        [1, 2, 3]
    """
    last = len(values) - 2
    return [k for k in range(last) if (values[k] != values[k + 1]).any()] + [last, last + 1]


def _bin_ticks(cuts: Floats, kept: Sequence[int], unknown: str) -> list[Tick]:
    """Thresholds at the borders of the kept bins, and the bin for unknown by its name."""
    borders = [(float(place + 1), brief(cuts[k], 3)) for place, k in enumerate(kept[:-2])]
    return [*spaced(borders, (0.0, float(len(kept) - 1)), 0.17), (len(kept) - 0.5, unknown)]


@dataclass(frozen=True, slots=True)
class ProofLine:
    """One constrained feature: its name, sign, steps bounded, violations, and the worst step in logits."""

    name: str
    sign: str
    steps: int
    violations: int
    worst: str


def proof_lines(facts: ModelFacts, lang: str, t: Translate) -> list[ProofLine]:
    """The proof of monotony, worked out anew on the tables, for every constrained feature the PD model uses."""
    found = []
    for spec in facts.used():
        if spec.monotone == 0:
            continue
        steps = worst_steps(facts.table, spec.name, spec.monotone)
        broken = monotone_violations(facts.table, spec.name, spec.monotone)
        worst = figure(float(steps.min(initial=0.0)) + 0.0)
        sign = t(f"validation.sign.{spec.monotone}")
        found.append(ProofLine(label(spec, lang), sign, len(steps), len(broken), worst))
    return found
