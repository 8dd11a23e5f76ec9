"""What a package keeps of its training population, so that a look at it in use needs no file of the past."""

from __future__ import annotations

from typing import Any

import numpy as np

from eco_credit.core.numbers import text
from eco_credit.risk import ModelBundle
from eco_credit.rulebook import RuleSet
from training.datasets import Tape
from training.evaluate import estimate, reference_of
from training.metrics.stability import kept, word_shares
from training.monitor.reading import policy_layers
from training.split import Rows


def population(bundle: ModelBundle, tape: Tape, rows: Rows, rules: RuleSet) -> dict[str, Any]:
    """Bins of score and inputs, the PD ranges, the kinds of pledge and what layers 4 to 6 caught.

    Args:
        bundle: the models.
        tape: labelled rows.
        rows: the training window.
        rules: ``credit.policy.*``.

    Returns:
        What `reference_of` keeps with ``width`` (``mean``, ratio, and bins), ``kinds`` (share of each; None for a tape
        without kinds) and ``layers`` (share caught by layer); shares and means are weighted.
    """
    found, w = estimate(bundle, tape, rows), tape.weight[rows]
    scored = ~found.refused
    wide = (found.pd_high - found.pd_low)[scored]
    places = {name: column[rows] for name, column in tape.places.items()}
    caught = policy_layers(bundle, found, places, rules)
    return reference_of(bundle, tape, rows) | {
        "width": {"mean": float(np.average(wide, weights=w[scored])), "bins": kept(wide, w[scored]).as_dict()},
        "kinds": word_shares(text(places, "kind"), w) if "kind" in places else None,
        "layers": {name: float((w * hit).sum() / w.sum()) for name, hit in caught.items()},
    }
