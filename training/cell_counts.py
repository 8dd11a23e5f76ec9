"""What a package keeps of its training window for thin cells: counts by kind and area, and a margin for each kind.

Sources: DerSimonian and Laird (1986), *Meta-analysis in clinical trials*, for the variance between groups;
EBA/GL/2017/16 paragraphs 36 to 45 for a margin of estimation error apart from the best estimate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats, text
from eco_credit.rulebook import RuleSet
from training.datasets import Tape
from training.plan import Plan
from training.split import Rows
from training.whole import Cells

NONE = (0.0, 0.0)
LIMITS = ("credit.policy.cell_loans_min", "credit.policy.cell_defaults_min")


def cells_json(plan: Plan, tape: Tape, rows: Rows, rules: RuleSet) -> dict[str, Any] | None:
    """Loans and defaults of the training window by kind and area, read by `eco_credit.risk.cells.Cells`.

    Rows are counted, not weighed: a weight says how many loans a row stands for, not how many were seen.

    Args:
        plan: ``data.area_digits``, digits of an area code that make a cell.
        tape: labelled rows.
        rows: the training window.
        rules: ``credit.policy.cell_loans_min``, ``cell_defaults_min`` and ``risk.margins.confidence``.

    Returns:
        Plain data; None for a tape that names no kind of pledge. Cells by kind alone where the tape has no areas.
    """
    if "kind" not in tape.places:
        return None
    digits = plan.data.area_digits if "area_code" in tape.places else None
    known = tape.whole.cells if tape.whole else None
    found = counted(tape, rows, digits) if known is None else known
    by_kind = np.array([pair for pair, _ in found.values()])
    elsewhere = margin_over(by_kind, rules)
    kinds: dict[str, Any] = {}
    for name, ((loans, defaults), areas) in found.items():
        enough = loans >= rules.number(LIMITS[0]) and defaults >= rules.number(LIMITS[1]) and len(areas) > 1
        own = margin_over(np.array(list(areas.values())), rules) if enough else elsewhere
        told = {area: {"loans": n, "defaults": k} for area, (n, k) in areas.items()}
        kinds[name] = {"loans": loans, "defaults": defaults, "margin": own, "areas": told}
    return {"area_digits": digits, "kinds": kinds, "elsewhere": elsewhere}


def counted(tape: Tape, rows: Rows, digits: int | None) -> Cells:
    """Loans and defaults of some rows by kind, and by the first digits of the area code within it."""
    kind, bad = text(tape.places, "kind")[rows], tape.target[rows]
    names = sorted({str(name) for name in kind.tolist() if name is not None})
    return {
        name: (_pair(bad[kind == name]), {} if digits is None else _by_area(tape, rows[kind == name], digits))
        for name in names
    }


def added(parts: Iterable[Cells]) -> Cells:
    """Counts of several parts of a tape together.

    Example:
        >>> added([{"forest": ((2.0, 1.0), {"11": (2.0, 1.0)})}, {"forest": ((1.0, 0.0), {"12": (1.0, 0.0)})}])
        {'forest': ((3.0, 1.0), {'11': (2.0, 1.0), '12': (1.0, 0.0)})}
    """
    pairs: dict[str, tuple[float, float]] = {}
    areas: dict[str, dict[str, tuple[float, float]]] = {}
    for part in parts:
        for name, (pair, within) in part.items():
            pairs[name] = _plus(pairs.get(name, NONE), pair)
            known = areas.setdefault(name, {})
            known |= {area: _plus(known.get(area, NONE), more) for area, more in within.items()}
    return {name: (pairs[name], dict(sorted(areas[name].items()))) for name in sorted(pairs)}


def _plus(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]


def _pair(bad: Floats) -> tuple[float, float]:
    return float(len(bad)), float(bad.sum())


def _by_area(tape: Tape, rows: Rows, digits: int) -> dict[str, tuple[float, float]]:
    """Loans and defaults by the first digits of the area code; rows without a code are in no area."""
    codes = text(tape.places, "area_code")[rows]
    known = np.array([code is not None for code in codes.tolist()], dtype=bool)
    cut = codes[known].astype(f"U{digits}")
    return {str(area): _pair(tape.target[rows][known][cut == area]) for area in np.unique(cut)}


def margin_over(counts: Floats, rules: RuleSet) -> float:
    """Margin over a PD for a group that was not seen, from how far the groups that were seen lie apart.

    ``m = z sqrt(tau^2 + r (1 - r) / N) / r`` with ``r`` the pooled default rate, N all loans, ``z`` the normal quantile
    at the house confidence, and ``tau^2`` the variance between groups by the moment of DerSimonian and Laird:
    ``Q = sum n_j (r_j - r)^2 / (r (1 - r))``, ``tau^2 = max(0, (Q - (J - 1)) r (1 - r) / (N - sum n_j^2 / N))``.

    Args:
        counts: loans and defaults of each group, shape (J, 2).
        rules: ``risk.margins.confidence``, one-sided.

    Returns:
        Ratio to the PD; 1 where nobody or everybody defaulted, as the data then say nothing of the spread.
    """
    from scipy.stats import norm

    n, k = counts.T
    total = n.sum()
    rate = k.sum() / total
    own = rate * (1.0 - rate)
    if not own > 0.0:
        return 1.0
    between = 0.0
    if len(n) > 1:
        heterogeneity = float((n * (k / n - rate) ** 2).sum() / own)
        between = max(0.0, (heterogeneity - (len(n) - 1)) * own / (total - (n**2).sum() / total))
    reach = float(norm.ppf(rules.number("risk.margins.confidence")))
    return float(reach * np.sqrt(between + own / total) / rate)
