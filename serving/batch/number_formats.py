"""What a spreadsheet shows of a number: whether its format adds a percent sign and multiplies by a hundred."""

from __future__ import annotations

from serving.batch.cells import Broken, Percent

Shown = tuple[bool | None, bool | None, bool | None]
"""For a positive number, a negative one and zero: shown as percent; None where it cannot be told."""
PLAIN: Shown = (False, False, False)
BUILT_IN = {9: "0%", 10: "0.00%"}
"""Numbers of the built-in formats that show percent; no file spells them out."""


def shown(code: str) -> Shown:
    r"""How a format shows numbers.

    A percent sign in quotes, or behind a backslash, is print only and multiplies nothing. Sections stand between
    semicolons: positive, negative, zero, text. With conditions of its own in brackets a section cannot be told.

    Example:
        >>> shown("0.00%"), shown('0.0"%"'), shown(r"0\%"), shown("0%;-0%;0"), shown("[<1]0%;0")
        ((True, True, True), (False, False, False), (False, False, False), (True, True, False), (None, None, None))
    """
    sections, conditions = _sections(code)
    numeric = sections[:3]
    if all(numeric) or not any(numeric):
        return (numeric[0],) * 3
    if conditions:
        return (None, None, None)
    positive, negative = numeric[0], numeric[1]
    return (positive, negative, numeric[2] if len(numeric) > 2 else positive)


def _sections(code: str) -> tuple[list[bool], bool]:
    """Whether each section holds a percent sign that counts, and whether any has a condition."""
    found, conditions, at = [False], False, 0
    while at < len(code):
        mark = code[at]
        if mark == '"':
            at = code.find('"', at + 1)
            if at < 0:
                break
        elif mark in "\\_*":
            at += 1
        elif mark == "[":
            conditions |= code[at + 1 : at + 2] in ("<", ">", "=")
            at = max(code.find("]", at), at)
        elif mark == ";":
            found.append(False)
        elif mark == "%":
            found[-1] = True
        at += 1
    return found, conditions


def as_shown(cell: object, how: Shown) -> object:
    """A cell as its format shows it: a number that a percent sign follows is a ratio; anything else stays.

    Args:
        cell: what the file holds.
        how: its format.
    """
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return cell
    found = how[0 if cell > 0 else 1 if cell < 0 else 2]
    if found is None:
        return Broken("percent_unclear")
    return Percent(cell) if found else cell
