"""One cell at a time: what is written in a file, read by the rules of its field.

A cell that cannot be read gives the rule it breaks; nothing is guessed and nothing repaired.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from eco_credit.contracts.field import Field

UNKNOWN_WORDS = frozenset(
    {"", "nan", "<null>", "null", "none", "n/a", "na", "#n/a", "nat", "-", "--", "—", "——", "―", "未知", "不详"}
)
_LONGEST_WORD = max(map(len, UNKNOWN_WORDS))
"""Characters; folding the case of a text makes it no shorter."""
_TOGETHER = 256
"""Texts looked at together: one that does not stand as it is costs a closer look at so many."""
NONE_WORDS = frozenset({"无", "/", "没有", "\\"})
OPEN_END = frozenset({"长期", "永久", "无固定到期日", "长期有效", "无固定期限", "永久有效"})
OPEN_END_RULE = "open_end"
"""Rule of a cell that says: no end. `notices.Notices` settles what becomes of it."""
_TIMES = frozenset({"year", "month", "day"})
YES = frozenset({"是", "有", "y", "yes", "1", "1.0", "true", "t", "√"})
NO = frozenset({"否", "无", "没有", "n", "no", "0", "0.0", "false", "f", "×"})
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?(e[+-]?\d{1,3})?", re.ASCII)
_DAY = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[ t]00:00(?::00)?(?:\.0+)?)?"
    r"|(\d{4})(\d{2})(\d{2})|(\d{4})年(\d{1,2})月(\d{1,2})日",
    re.ASCII,
)
_LOST_DIGITS = re.compile(r"\d(\.\d+)?e\+?\d+", re.ASCII | re.IGNORECASE)
_EXACT_INTEGER = 10**15
_SHARES = frozenset({"ratio", "1/year"})
"""Stored units that a percent sign fits."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A cell that breaks a rule."""

    rule: str


class Percent(float):
    """A number that its file shows with a percent sign: 0.35 under the format ``0%`` stands there as 35%."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How one column is read: its field, the factor of its unit, the texts of its codes.

    Attributes:
        field: the field of the contract.
        factor: exact factor from the unit in the header to the stored unit.
        codes: folded text or code to code, for a field with a closed list.
        percent: a text such as ``30%`` is a ratio.
        length: longest text allowed, characters.
        words: their folded words to values, by a mapping; looked at first.
    """

    field: Field
    factor: Fraction
    codes: Mapping[str, str]
    percent: bool
    length: int
    words: Mapping[str, Any] = dataclass_field(default_factory=dict)

    def value(self, cell: Any) -> Any:
        """Value of a cell in the stored unit, None when unknown, or the rule it breaks.

        Args:
            cell: text, number, boolean, day or None as the file holds it.

        Returns:
            float for numbers and booleans, ``datetime.date`` for days, str for texts; None; `Broken`.
        """
        if isinstance(cell, Broken):
            return cell
        if cell is None or cell != cell:
            return None
        if self.words and (word := _word(cell)) in self.words:
            cell = self.words[word]
        kind = self.field.type
        if kind in ("number", "integer"):
            return self._number(cell)
        if kind == "boolean":
            return _yes_no(cell)
        return _day(cell) if kind == "date" else self._text(cell)

    def values(self, cells: Sequence[Any]) -> list[Any]:
        """`value` of each cell; names, which nearly always stand as they are, are looked at many at once."""
        if self.field.type != "text" or self.words or self.codes or set(map(type, cells)) - {str}:
            return [self.value(cell) for cell in cells]
        found: list[Any] = []
        for at in range(0, len(cells), _TOGETHER):
            some = list(cells[at : at + _TOGETHER])
            found += some if self._stand(some) else [self.value(cell) for cell in some]
        return found

    def _stand(self, texts: list[str]) -> bool:
        """True only where every text is its own value, as `_text` would find for each."""
        return (
            list(map(str.strip, texts)) == texts
            and "'" not in "".join(texts)
            and max(map(len, texts)) <= self.length
            and (min(map(len, texts)) > _LONGEST_WORD or UNKNOWN_WORDS.isdisjoint(map(str.casefold, texts)))
            and not (self.field.format and any(map(_LOST_DIGITS.fullmatch, texts)))
        )

    def _number(self, cell: Any) -> Any:
        if isinstance(cell, (dt.date, dt.datetime, dt.time, dt.timedelta, bool)):
            return Broken("number_form")
        if isinstance(cell, Percent):
            return float(cell) if self.field.unit in _SHARES else Broken("percent_form")
        text = repr(cell) if isinstance(cell, (int, float)) else folded(cell).replace(" ", "")
        if text in UNKNOWN_WORDS:
            return None
        if text in OPEN_END and self.field.unit in _TIMES:
            return Broken(OPEN_END_RULE)
        if text in NONE_WORDS:
            return 0.0 if self.field.unit.startswith("CNY") or self.field.unit == "count" else None
        text = text.removeprefix("¥").removeprefix("￥")
        scale = self.factor
        if self.percent and text.endswith("%"):
            text, scale = text[:-1], Fraction(1, 100)
        if not _NUMBER.fullmatch(text):
            return Broken("number_form")
        plain = text.replace(",", "")
        try:
            return float(plain) if scale == 1 else _scaled(plain, scale)
        except OverflowError:
            return Broken("number_form")

    def _text(self, cell: Any) -> Any:
        if isinstance(cell, (dt.date, dt.datetime)):
            return cell.isoformat()[:10]
        if isinstance(cell, bool):
            return "true" if cell else "false"
        if isinstance(cell, (int, float)):
            return _from_number(cell) if not self.codes else self._code(_from_number(cell))
        text = str(cell).strip().removeprefix("'")
        if text.casefold() in UNKNOWN_WORDS:
            return None
        if len(text) > self.length:
            return Broken("too_long")
        if self.codes:
            return self._code(text)
        if self.field.format and _LOST_DIGITS.fullmatch(text):
            return Broken("digits_lost")
        return text

    def _code(self, text: str | Broken) -> Any:
        """A code, the text of a code, a code with a float tail or a lost zero; else as it stands."""
        if isinstance(text, Broken):
            return text
        key = folded(text).removesuffix(".0")
        if key in self.codes:
            return self.codes[key]
        if key in NONE_WORDS:
            return None
        widths = {len(code) for code in self.codes.values()}
        return self.codes.get(key.zfill(*widths), text) if len(widths) == 1 and key.isdigit() else text


def _word(cell: Any) -> str:
    """A cell as a mapping would name it; a whole number without its tail."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else folded(cell)


def folded(cell: object) -> str:
    """Text as compared: NFKC, no blanks around, lower case, no leading apostrophe."""
    return unicodedata.normalize("NFKC", str(cell)).strip().removeprefix("'").casefold()


def _scaled(plain: str, scale: Fraction) -> float:
    """Exact decimal times exact factor, rounded once: 12.34 万元 is 123400.0 yuan."""
    return float(Fraction(Decimal(plain)) * scale)


def _from_number(cell: float) -> str | Broken:
    """Text of a numeric cell; a number of 16 digits or more has lost some."""
    if abs(cell) >= _EXACT_INTEGER:
        return Broken("digits_lost")
    return str(int(cell)) if float(cell).is_integer() else repr(cell)


def _yes_no(cell: Any) -> Any:
    word = ("1" if cell else "0") if isinstance(cell, (bool, int, float)) and cell in (0, 1) else folded(cell)
    if word in YES:
        return 1.0
    if word in NO:
        return 0.0
    return None if word in UNKNOWN_WORDS else Broken("yes_no")


def _day(cell: Any) -> Any:
    if isinstance(cell, dt.datetime):
        return cell.date()
    if isinstance(cell, dt.date):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    word = folded(cell)
    if word in OPEN_END:
        return Broken(OPEN_END_RULE)
    if word in UNKNOWN_WORDS or word in NONE_WORDS:
        return None
    found = _DAY.fullmatch(word)
    if not found:
        return Broken("date_form")
    parts = [int(part) for part in found.groups() if part is not None and part.isdigit()]
    try:
        return dt.date(parts[0], parts[1], parts[2])
    except ValueError:
        return Broken("date_impossible")
