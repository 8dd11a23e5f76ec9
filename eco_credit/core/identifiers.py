"""Checks on the identifiers and formulas of papers: credit code, identity number, unit code, permit, stand.

An identifier is text, never a number, and is never repaired. Each check folds the text (NFKC, upper
case, blanks out), then looks at form and check character. What is only implausible is a warning.

Sources: GB 32100-2015 (credit code), GB 11714 (organisation code), GB 11643 (identity number),
GB/T 37346 (unit code); permit numbers as observed on electronic and paper permits; species composition as
stand cards write it.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters: no I, O, S, V, Z. The value of a character is its place."""
_USCC_VALUE = {char: value for value, char in enumerate(USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"

USCC_KINDS = {
    "11": "government",
    "12": "institution",
    "51": "association",
    "52": "private_non_enterprise",
    "53": "foundation",
    "91": "enterprise",
    "92": "sole_trader",
    "93": "cooperative",
    "N1": "village_group",
    "N2": "village_collective",
    "N3": "township_collective",
    "Y1": "other",
    "A1": "military",
    "31": "law_firm",
    "81": "trade_union",
}
"""First two characters of a credit code, as met at the desk; an unlisted pair is a warning."""
RESIDENCE_PERMIT_AREAS = {"810000": "Hong Kong", "820000": "Macao", "830000": "Taiwan"}

_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_RESIDENT = re.compile(r"[0-9]{17}[0-9X]")
_UNIT = re.compile(r"[0-9]{12}[GJZ][ABCDEFHGWY][0-9]{5}(?:[FLNQ][0-9]{8}|W0{8})")
_PERMIT_NEW = re.compile(r"([A-D])[0-9]{6}([SG])([0-9]{4})-[0-9]{4,5}")
_PERMIT_OLD = re.compile(r"取水\([^()]{1,20}\)字[〔\[(]?[0-9]{4}[〕\])]?第([AB])[0-9]{8}号")
_REAL_ESTATE = re.compile(r"[\u4e00-\u9fff]\([0-9]{4}\)[^()]{1,40}不动产(?:权|证明)第[0-9A-Z]{1,12}号")
_BETWEEN = "\0"
_SPECIES = r"[^\W\d_]{1,10}"
_COMPOSITION = re.compile(rf"(?:(?:10|[1-9]|[-+]){_SPECIES})+")
_PART = re.compile(rf"(10|[1-9]|[-+])({_SPECIES})")
_PERMIT_LEVELS = {"A": "basin", "B": "province", "C": "city", "D": "county"}
_PERMIT_SOURCES = {"S": "surface", "G": "ground", "A": "surface", "B": "ground"}


class Identifier(NamedTuple):
    """Result of a check.

    Attributes:
        valid: form and check character are right.
        kind: what the identifier says about its holder or paper; empty when not valid.
        warnings: codes of what is implausible without being wrong.
    """

    valid: bool
    kind: str = ""
    warnings: tuple[str, ...] = ()


REFUSED = Identifier(False)


def fold(text: str) -> str:
    """Fold for comparison: NFKC, upper case, no blanks or hyphens.

    Example:
        >>> fold(" ９１-99x ")
        '9199X'
    """
    folded = fold_spaces(text).replace("-", "")
    return folded if folded.isascii() else unicodedata.normalize("NFKC", folded)


def fold_spaces(text: str) -> str:
    """Fold for comparison, hyphens kept: NFKC, upper case, no blanks."""
    if text.isascii():
        return text.upper() if text.isalnum() else "".join(text.upper().split())
    return unicodedata.normalize("NFKC", "".join(unicodedata.normalize("NFKC", text).upper().split()))


def fold_all(texts: Sequence[str], fold: Callable[[str], str]) -> list[str]:
    """Fold many texts at once: between NUL, which no folding takes away and nothing joins up with.

    Args:
        texts: any texts.
        fold: `fold` or `fold_spaces`.

    Example:
        >>> fold_all([" ９１-99x ", "", "闽（2026）"], fold)
        ['9199X', '', '闽(2026)']
    """
    folded = fold(_BETWEEN.join(texts)).split(_BETWEEN)
    return folded if len(folded) == len(texts) else [fold(text) for text in texts]


def uscc_check(first: str) -> str:
    """Check character of a credit code from its first 17 characters (GB 32100-2015).

    ``C = (31 - sum(value_i * 3**(i-1) mod 31) mod 31) mod 31``.

    Raises:
        KeyError: a character is not in the alphabet.

    Example:
        >>> uscc_check("93999999000000019"), uscc_check("N2999999000000019")
        ('7', 'W')
    """
    total = sum(_USCC_VALUE[char] * weight for char, weight in zip(first, _USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[-total % 31]


def organisation_check(first: str) -> str:
    """Check character of an organisation code from its first 8 characters (GB 11714).

    ``C = 11 - sum(value_i * w_i) mod 11``; 10 is written X and 11 is written 0.

    Example:
        >>> organisation_check("00000001")
        '9'
    """
    total = sum(int(char, 36) * weight for char, weight in zip(first, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def resident_check(first: str) -> str:
    """Check character of an identity number from its first 17 digits (GB 11643).

    ``C = "10X98765432"[sum(digit_i * w_i) mod 11]``.

    Example:
        >>> resident_check("99999919000101001")
        '5'
    """
    total = sum(int(char) * weight for char, weight in zip(first, _RESIDENT_WEIGHTS, strict=True))
    return _RESIDENT_CHECKS[total % 11]


def uscc(text: str) -> Identifier:
    """Check a unified social credit code; village collectives (N…) and other bodies included.

    Example:
        >>> uscc("N2999999000000019W").kind
        'village_collective'
    """
    code = fold(text)
    if not _USCC.fullmatch(code) or uscc_check(code[:17]) != code[17]:
        return REFUSED
    kind = USCC_KINDS.get(code[:2])
    warnings = [] if kind else ["uscc_kind"]
    if organisation_check(code[8:16]) != code[16]:
        warnings.append("organisation_code")
    return Identifier(True, kind or "other", tuple(warnings))


def resident_id(text: str) -> Identifier:
    """Check an identity number or the number of a residence permit for Hong Kong, Macao, Taiwan.

    Example:
        >>> resident_id("999999190001010015").kind
        'resident'
    """
    code = fold(text)
    if not (code.isascii() and _RESIDENT.fullmatch(code)) or resident_check(code[:17]) != code[17]:
        return REFUSED
    try:
        born = dt.date(int(code[6:10]), int(code[10:12]), int(code[12:14]))
    except ValueError:
        return REFUSED
    kind = "residence_permit" if code[:6] in RESIDENCE_PERMIT_AREAS else "resident"
    return Identifier(True, kind, ("birth_year",) if born.year < 1900 else ())


def unit_code(text: str) -> Identifier:
    """Check the form of a 28-character real-estate unit code; kind is ``forest``, ``house``….

    Example:
        >>> unit_code("999999001002JE00015L00000002").kind
        'forest'
    """
    code = fold(text)
    if not _UNIT.fullmatch(code):
        return REFUSED
    kinds = {"L": "forest", "N": "forest", "F": "house", "Q": "other", "W": "land"}
    return Identifier(True, kinds[code[19]], ("not_forest",) if code[19] == "F" else ())


def water_permit(text: str) -> Identifier:
    """Check the form of a water permit number; kind is ``surface`` or ``ground``.

    In the new number the first letter is the issuing level and S or G the source; in the old one
    A is surface water and B is groundwater.

    Example:
        >>> water_permit("D999999S2026-0001").kind, water_permit("取水(某县)字〔2007〕第B00000001号").kind
        ('surface', 'ground')
    """
    code = fold_spaces(text)
    if match := _PERMIT_NEW.fullmatch(code):
        return Identifier(True, _PERMIT_SOURCES[match[2]])
    if match := _PERMIT_OLD.fullmatch(code):
        return Identifier(True, _PERMIT_SOURCES[match[1]], ("old_number",))
    return REFUSED


def permit_level(text: str) -> str | None:
    """Level that issued a permit (``basin``, ``province``, ``city``, ``county``); None for an old number."""
    match = _PERMIT_NEW.fullmatch(fold_spaces(text))
    return _PERMIT_LEVELS[match[1]] if match else None


def certificate(text: str) -> Identifier:
    """Tell a real-estate certificate number from an older one; neither is refused.

    Old forest-right certificates stay valid and have no fixed form, so they only get a warning.

    Example:
        >>> certificate("闽（2026）某县不动产权第0000001号").kind
        'real_estate'
    """
    code = fold_spaces(text)
    if _REAL_ESTATE.fullmatch(code):
        return Identifier(True, "real_estate")
    return Identifier(True, "old", ("old_certificate",)) if code else REFUSED


def composition_parts(text: str) -> tuple[tuple[str, int], ...]:
    """Species and their tenths of the stand, in the order written; a trace (``+`` or ``-``) has no tenth.

    Returns:
        Pairs of species word and tenths; empty when the text is not written so.

    Example:
        >>> composition_parts("7杉2马1阔"), composition_parts("6杉4松+阔")
        ((('杉', 7), ('马', 2), ('阔', 1)), (('杉', 6), ('松', 4), ('阔', 0)))
        >>> composition_parts("杉")
        ()
    """
    code = fold_spaces(text).replace("\u2212", "-")
    if not _COMPOSITION.fullmatch(code):
        return ()
    return tuple((word, int(tenths) if tenths.isdigit() else 0) for tenths, word in _PART.findall(code))


def composition(text: str) -> Identifier:
    """Check the composition of a stand: tenths of each species that add up to ten.

    Kind is ``single`` for one species alone and ``mixed`` otherwise, traces included.

    Example:
        >>> composition("８杉２阔").kind, composition("10 杉").kind, composition("8杉1阔").valid
        ('mixed', 'single', False)
    """
    parts = composition_parts(text)
    if sum(tenths for _, tenths in parts) != 10:
        return REFUSED
    repeated = len({word for word, _ in parts}) < len(parts)
    return Identifier(True, "single" if len(parts) == 1 else "mixed", ("species_twice",) if repeated else ())


def holder(text: str) -> Identifier:
    """Check the number of a holder who may be a body or a person: credit code or identity number.

    Example:
        >>> holder("N2999999000000019W").kind, holder("999999190001010015").kind, holder("7").valid
        ('village_collective', 'resident', False)
    """
    body = uscc(text)
    return body if body.valid else resident_id(text)


def any_text(text: str) -> Identifier:
    """Accept any text that is not blank once folded: a number without a known form."""
    return Identifier(True, "other") if fold(text) else REFUSED


def _bytes(texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Characters of texts of 18 ASCII characters, shape (n, 18); NUL for other texts."""
    plain = [text if len(text) == 18 and text.isascii() else _BETWEEN * 18 for text in texts]
    return np.frombuffer("".join(plain).encode("ascii"), np.uint8).reshape(len(plain), 18)


def _values(alphabet: str) -> npt.NDArray[np.int64]:
    """Value of each ASCII character: its place in the alphabet, -1 where it has none."""
    return np.array([alphabet.find(chr(code)) if code else -1 for code in range(128)])


def _plainly_any(texts: Sequence[str]) -> Bools:
    """Nothing that folding leaves blank begins with a letter or a digit."""
    return np.fromiter((text[:1].isalnum() for text in texts), bool, len(texts))


def _plainly_permit(texts: Sequence[str]) -> Bools:
    """A number of today's form, written without blanks."""
    return np.fromiter((_PERMIT_NEW.fullmatch(text) is not None for text in texts), bool, len(texts))


def _plainly_uscc(texts: Sequence[str]) -> Bools:
    """`uscc_check` in columns: ``sum(value_i * 3**(i-1)) + C = 0 mod 31``."""
    value = _USCC_VALUES[_bytes(texts)]
    total = (value * np.array([*_USCC_WEIGHTS, 1])).sum(axis=1)
    plain: Bools = (value >= 0).all(axis=1) & (value[:, 2:8] < 10).all(axis=1) & (total % 31 == 0)
    return plain


def _plainly_resident(texts: Sequence[str]) -> Bools:
    """`resident_check` in columns: ``sum(digit_i * w_i) + C = 1 mod 11``, X is 10; a 29 February is not plain."""
    value = _RESIDENT_VALUES[_bytes(texts)]
    total = (value * np.array([*_RESIDENT_WEIGHTS, 1])).sum(axis=1)
    year, month, day = (value[:, start:stop] @ 10 ** np.arange(stop - start)[::-1] for start, stop in _BORN)
    born = (year > 0) & (month > 0) & (month < 13) & (day > 0) & (day <= _DAYS_OF_MONTH[np.clip(month, 0, 12)])
    plain: Bools = (value >= 0).all(axis=1) & (value[:, :17] < 10).all(axis=1) & (total % 11 == 1) & born
    return plain


def _plainly_holder(texts: Sequence[str]) -> Bools:
    return _plainly_uscc(texts) | _plainly_resident(texts)


def _never_plainly(texts: Sequence[str]) -> Bools:
    return np.zeros(len(texts), dtype=bool)


_USCC_VALUES, _RESIDENT_VALUES = _values(USCC_ALPHABET), _values("0123456789X")
_BORN = ((6, 10), (10, 12), (12, 14))
_DAYS_OF_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True, slots=True)
class Format:
    """An identifier format.

    Attributes:
        check: its check.
        fold: how it is folded before it is compared or grouped.
        plainly: True for texts that are plainly valid, many at once; for the others ``check`` decides.
    """

    check: Callable[[str], Identifier]
    fold: Callable[[str], str] = fold
    plainly: Callable[[Sequence[str]], Bools] = _never_plainly

    def refused(self, texts: Sequence[str]) -> frozenset[str]:
        """Those of some texts that are not valid."""
        plain = self.plainly(texts).tolist()
        return frozenset(t for t, valid in zip(texts, plain, strict=True) if not valid and not self.check(t).valid)


FORMATS: dict[str, Format] = {
    "uscc": Format(uscc, plainly=_plainly_uscc),
    "resident_id": Format(resident_id, plainly=_plainly_resident),
    "unit_code": Format(unit_code),
    "water_permit": Format(water_permit, fold_spaces, _plainly_permit),
    "certificate": Format(certificate, fold_spaces, _plainly_any),
    "composition": Format(composition, fold_spaces),
    "holder": Format(holder, plainly=_plainly_holder),
    "folded": Format(any_text, plainly=_plainly_any),
}
"""The formats a contract may name, by name."""
