"""Which rows a statement holds for, without an array where it holds for all or for none."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, Floats

Mask = Bools | bool
"""Rows a statement holds for; a plain True or False when it holds for all or for none."""


def both(one: Mask, other: Mask) -> Mask:
    """Rows both hold for."""
    if isinstance(one, bool):
        return other if one else False
    if isinstance(other, bool):
        return one if other else False
    return one & other


def neither(one: Mask) -> Mask:
    """Rows it does not hold for."""
    return not one if isinstance(one, bool) else ~one


def either(one: Mask, other: Mask) -> Mask:
    """Rows one of the two holds for."""
    return neither(both(neither(one), neither(other)))


def pick(mask: Mask, yes: Floats, no: Floats) -> Floats:
    """``yes`` where the mask holds, else ``no``."""
    if isinstance(mask, bool):
        return yes if mask else no
    return np.where(mask, yes, no)


def known(values: Floats) -> Mask:
    """Rows that are not NaN."""
    here = ~np.isnan(values)
    return True if here.all() else here if here.any() else False
