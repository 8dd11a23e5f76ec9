"""From a header to fields: labels, synonyms and names are known, units are taken from the header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import zip_longest
from typing import Any

from eco_credit.contracts.field import Field
from eco_credit.contracts.lists import code_list
from eco_credit.contracts.mapping import Source, TapeMapping
from eco_credit.contracts.paper_units import NEEDS_UNIT, factor, fold, split_label
from eco_credit.core.errors import ContractError, Violation
from serving.batch.cells import Reading, folded
from serving.batch.mapping import constant_value
from serving.batch.matured import unwatched, watched
from serving.batch.rules import refusal, violation
from serving.batch.settings import Limits

HEADER_ROWS = 10
"""A header is looked for in this many rows."""
KNOWN_SHARE = 0.6
"""Share of a row's cells that must be known for the row to be a header."""


@dataclass(frozen=True)
class Layout:
    """How the columns of one table are read.

    Attributes:
        columns: place of a column to how it is read, in file order; those of `matured.watched` lead to no field.
        ignored: headers that lead to no field.
        units: field to the unit word taken from its header.
        unstated: ratio fields under a label without unit: a plain value above one is refused.
        header_row: number of the last header row, from 1.
        width: cells of the header.
        constants: fields that hold one value in all rows, by a mapping.
        unused: headers of a mapping that the table does not have.
    """

    columns: Mapping[int, Reading]
    ignored: tuple[str, ...]
    units: Mapping[str, str]
    unstated: frozenset[str] = field(default_factory=frozenset)
    header_row: int = 1
    width: int = 0
    constants: tuple[tuple[Field, Any], ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Reading]:
        """Column name to how it is read."""
        return {reading.field.column: reading for reading in self.columns.values()}


@dataclass(frozen=True)
class Vocabulary:
    """What headers may say: those of a mapping first, field names as they are, labels and synonyms folded.

    Attributes:
        told: folded header to what a mapping says it is.
        dropped: folded headers that a mapping leaves out.
        constants: fields that a mapping gives one value.
    """

    fields: tuple[Field, ...]
    names: Mapping[str, Field]
    labels: Mapping[str, Field]
    told: Mapping[str, Source] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    constants: tuple[tuple[Field, Any], ...] = ()

    @classmethod
    def of(cls, fields: Sequence[Field], mapping: TapeMapping | None = None) -> Vocabulary:
        """Collect names, labels and synonyms; a label that two fields share is known to neither."""
        claims: dict[str, set[str]] = {}
        for each in fields:
            for label in (each.label_zh, each.label_en, each.label_on_certificate, *each.synonyms):
                if label:
                    claims.setdefault(split_label(label)[0], set()).add(each.column)
        by_name = {each.column: each for each in fields}
        labels = {label: by_name[next(iter(owners))] for label, owners in claims.items() if len(owners) == 1}
        if mapping is None:
            return cls(tuple(fields), by_name, labels)
        told = {fold(header): source for header, source in mapping.columns.items()}
        constants = tuple((by_name[k], constant_value(by_name[k], v)) for k, v in mapping.constant.items())
        return cls(tuple(fields), by_name, labels, told, frozenset(map(fold, mapping.drop)), constants)

    def source_of(self, header: Any) -> Source | None:
        """What a mapping says a header is, with or without the unit in its brackets."""
        if not self.told or header is None:
            return None
        return self.told.get(fold(header)) or self.told.get(split_label(header)[0])

    def words_of(self, header: Any) -> Mapping[str, Any]:
        """Their words for a column, folded, to ours; empty where no mapping gives any."""
        source = self.source_of(header)
        return {folded(word): value for word, value in (source.codes or {}).items()} if source is not None else {}

    def find(self, header: Any) -> tuple[Field, str | None, bool] | None:
        """Field of a header, the unit in its brackets, and whether it is the field's own name."""
        if header is None:
            return None
        label, unit = split_label(header)
        source = self.source_of(header)
        if source is not None:
            return self.names[source.field], source.unit or unit, False
        if fold(header) in self.dropped:
            return None
        if label in self.names:
            return self.names[label], unit, True
        whole = self.labels.get(fold(header))
        if whole is not None and unit is None:
            return whole, None, False
        found = self.labels.get(label)
        return (found, unit, False) if found is not None else None

    def share(self, cells: Sequence[Any]) -> float:
        """Part of the cells of a row that are known, among those that hold something."""
        filled = [cell for cell in cells if cell is not None and str(cell).strip()]
        known = sum(self.find(cell) is not None or fold(cell) in self.dropped for cell in filled)
        return known / len(filled) if len(filled) > 1 else 0.0


@cache
def code_words(field: Field) -> Mapping[str, str]:
    """Folded codes and their unambiguous texts to codes; empty for a field without closed codes."""
    if not field.codes:
        return {}
    words: dict[str, set[str]] = {}
    texts = code_list(field.list_id).texts if field.list_id else {}
    for code in field.codes:
        for text in texts.get(code, {}).values():
            words.setdefault(folded(text), set()).add(code)
    found = {word: next(iter(codes)) for word, codes in words.items() if len(codes) == 1}
    return found | {folded(code): code for code in field.codes}


def find_header(rows: Sequence[Sequence[Any]], vocabulary: Vocabulary) -> list[int]:
    """Places of the header rows: the best row, and a row of field names right below it.

    Args:
        rows: the first rows of a table.
        vocabulary: what is known.

    Returns:
        One or two places, from 0; empty when no row is known well enough.
    """
    shares = [vocabulary.share(row) for row in rows[:HEADER_ROWS]]
    known = [place for place, share in enumerate(shares) if share >= KNOWN_SHARE]
    if not known:
        return []
    first = known[0]
    second = first + 1
    return [first, second] if second in known and _all_names(rows[second], vocabulary) else [first]


def _all_names(row: Sequence[Any], vocabulary: Vocabulary) -> bool:
    filled = [fold(cell) for cell in row if cell is not None and str(cell).strip()]
    return bool(filled) and all(cell in vocabulary.names for cell in filled)


def layout_of(
    rows: Sequence[Sequence[Any]], places: Sequence[int], *, vocabulary: Vocabulary, limits: Limits
) -> Layout:
    """Read a header.

    With two header rows the lower one names the fields and the upper one states the units; where the lower one
    is blank the upper one counts.

    Args:
        rows: the first rows of a table.
        places: header rows, from 0, as `find_header` gives them.
        vocabulary: what is known.
        limits: longest text.

    Returns:
        How each column is read.

    Raises:
        ContractError: no header; a money, area, volume or energy column without its unit (``D01``);
            a unit that does not fit; two columns for one field; a required column that is missing.
    """
    if not places:
        raise refusal("header", "header_not_found")
    upper, lower = rows[places[0]], headers_of(rows, places)
    columns: dict[int, Reading] = {}
    units: dict[str, str] = {}
    ignored: list[str] = []
    broken: list[Violation] = []
    for place, header in enumerate(lower):
        found = vocabulary.find(header)
        if found is None:
            if (seen := watched(header)) is not None and seen not in columns.values():
                columns[place] = seen
            ignored += [str(header).strip()] if header is not None and str(header).strip() else []
            continue
        above = vocabulary.find(upper[place]) if len(places) == 2 and place < len(upper) else None
        one, unit, by_name = (found[0], above[1], False) if above and above[0] is found[0] else found
        scale, rule = scale_of(one, unit, by_name=by_name)
        if any(one.column == reading.field.column for reading in columns.values()):
            rule = "two_columns"
        broken += [violation(one.column, rule)] if rule else []
        units |= {one.column: unit} if unit else {}
        columns[place] = reading_of(header, one, scale, vocabulary=vocabulary, length=limits.text_length)
    check_complete(columns, vocabulary, broken)
    unstated = _unstated(columns, lower, vocabulary=vocabulary)
    left = unwatched(ignored, columns.values())
    return Layout(
        columns, left, units, unstated, places[-1] + 1, len(lower), vocabulary.constants, unused_of(vocabulary, lower)
    )


def reading_of(header: Any, one: Field, scale: Fraction, *, vocabulary: Vocabulary, length: int) -> Reading:
    """How a column is read, with the words a mapping gives for it."""
    return Reading(one, scale, code_words(one), one.unit == "ratio", length, vocabulary.words_of(header))


def unused_of(vocabulary: Vocabulary, headers: Sequence[Any]) -> tuple[str, ...]:
    """Folded headers of a mapping that a table does not have."""
    present = {form for each in headers if each is not None for form in (fold(each), split_label(each)[0])}
    return tuple(header for header in vocabulary.told if header not in present)


def headers_of(rows: Sequence[Sequence[Any]], places: Sequence[int]) -> list[Any]:
    """The header of each column: the lower header row, and the upper one where the lower is blank."""
    upper, lower = rows[places[0]], rows[places[-1]]
    pairs = zip_longest(upper, lower)
    return [above if below is None or not str(below).strip() else below for above, below in pairs]


def scale_of(one: Field, unit: str | None, *, by_name: bool) -> tuple[Fraction, str | None]:
    """Factor of a column and the rule its header breaks, if any."""
    if unit is None:
        missing = not by_name and one.is_number and one.unit in NEEDS_UNIT
        return Fraction(1), "D01" if missing else None
    found = factor(unit, one.unit) if one.is_number else None
    return (Fraction(1), "unit_mismatch") if found is None else (found, None)


def check_complete(columns: Mapping[int, Reading], vocabulary: Vocabulary, broken: list[Violation]) -> None:
    """Refuse the file for its header: what is broken, then the required columns that are missing."""
    present = {reading.field.column for reading in columns.values()}
    broken += [violation(one.column, "two_columns") for one, _ in vocabulary.constants if one.column in present]
    present |= {one.column for one, _ in vocabulary.constants}
    broken += [
        violation(one.column, "missing_column")
        for one in vocabulary.fields
        if one.required and one.column not in present
    ]
    if broken:
        raise ContractError(broken)


def _unstated(columns: Mapping[int, Reading], header: Sequence[Any], *, vocabulary: Vocabulary) -> frozenset[str]:
    """Ratio columns under a label that states no unit."""
    found = set()
    for place, reading in columns.items():
        known = vocabulary.find(header[place])
        if reading.percent and known is not None and not known[2] and known[1] is None:
            found.add(reading.field.column)
    return frozenset(found)
