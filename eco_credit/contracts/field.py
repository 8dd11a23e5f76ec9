"""The nouns of a data contract: field, check, group, contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from eco_credit.core.numbers import Bools

FieldType = Literal["number", "integer", "text", "date", "boolean"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: what it is called, what it may hold, and how it must be treated.

    Attributes:
        name: leaf name, unique within its group.
        column: name of its column in a flat file; equals ``name`` unless two groups use one name.
        type: ``number`` and ``integer`` are finite, ``text`` is bounded, ``date`` is ``YYYY-MM-DD``.
        required: blank is refused; for a flat file see also ``required_kinds``.
        unit: stored unit, a key of `eco_credit.core.units.STORED_UNITS`.
        unit_on_paper: the unit printed on certificates and forms, such as 亩 or 万元.
        minimum, maximum, exclusive_minimum: technical bounds in the stored unit, not typical ranges.
        codes: the closed set of codes, or None.
        format: identifier check of `eco_credit.core.identifiers.FORMATS`, or None.
        list: name and edition of the code list.
        known_at: ``origination``, ``monthly`` or ``after_default``.
        monotone, monotone_lvr: sign of the effect on PD and on the liquidation value ratio.
        privacy: level 1 (public) to 5 (sensitive personal); ``personal``: none, general, sensitive.
        topic: part of the form an optional field is folded under, a code of the list ``form_topic``.
        group: dotted path of the object that holds the field; empty at the top.
        kinds, required_kinds: in a flat file, the pledge kinds the column belongs to (empty: all)
            and those for which it is required.
        many: the field is a list of such values.
    """

    name: str
    column: str
    type: FieldType
    required: bool = False
    description: str = ""
    unit: str = "text"
    unit_on_paper: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    codes: tuple[str, ...] | None = None
    pattern: str | None = None
    format: str | None = None
    max_length: int = 120
    label_zh: str = ""
    label_en: str = ""
    label_on_certificate: str | None = None
    help_zh: str | None = None
    help_en: str | None = None
    list: str | None = None
    list_id: str | None = None
    known_at: str = "origination"
    monotone: int = 0
    monotone_lvr: int = 0
    privacy: int = 2
    personal: str = "none"
    source: str = ""
    synonyms: tuple[str, ...] = ()
    family: str | None = None
    topic: str | None = None
    group: str = ""
    kinds: tuple[str, ...] = ()
    required_kinds: tuple[str, ...] = ()
    many: bool = False

    @property
    def is_number(self) -> bool:
        """True for numbers and integers."""
        return self.type in ("number", "integer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A rule between fields of one row, or between the members of one list.

    Attributes:
        rule: ``not_after``, ``at_most``, ``at_most_times``, ``sum_at_most``, ``sum_at_most_field``,
            ``required_with``, ``identifier``, ``kind_columns`` or ``unique``; what each means stands in
            `eco_credit.contracts.checks`.
        fields: names of the fields, in the order the rule reads them; a violation is blamed on the
            first.
        limit: bound of a sum, in the unit of the fields.
        factor: units of the first field in one of the second, of ``at_most_times``.
        tolerance: part by which the first field may exceed that, for numbers rounded on paper.
        by: name of the field that selects the identifier format.
        formats: pairs of a code of ``by`` and the identifier format it asks for.
        group: list whose members must be unique.
    """

    rule: str
    fields: tuple[str, ...]
    limit: float | None = None
    factor: float | None = None
    tolerance: float | None = None
    by: str | None = None
    formats: tuple[tuple[str, str], ...] = ()
    group: str | None = None


class Broken(NamedTuple):
    """Rows of a table that break one rule.

    Attributes:
        rows: mask, shape (n,).
        field: the field blamed.
        rule: rule id, a key of `eco_credit.contracts.texts.SENTENCES`.
    """

    rows: Bools
    field: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A record of fields and further groups; ``many`` makes it a list of such records.

    Attributes:
        variants: names of the kind contracts a list member may follow, told apart by ``kind``.
        checks: rules between the fields of one record.
    """

    name: str
    label_zh: str = ""
    label_en: str = ""
    required: bool = True
    many: bool = False
    min_items: int = 0
    max_items: int = 1000
    fields: tuple[Field, ...] = ()
    groups: tuple[Group, ...] = ()
    checks: tuple[Check, ...] = ()
    variants: tuple[str, ...] = ()

    def walk(self) -> Iterator[Field]:
        """All fields, depth first, without those of the variants."""
        yield from self.fields
        for group in self.groups:
            yield from group.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One data contract, read only.

    Attributes:
        name, version: identity of the contract.
        digest: sha256 of the canonical JSON of the parsed contract and all it includes or lists.
        root: the record the contract describes.
        fields: all fields of the record, depth first.
        plain: every field is a column of a flat table: no list and no nested record.
        subject: path of the field that says who the record is about; None where it is about nobody.
    """

    name: str
    version: str
    digest: str
    description: str
    label_zh: str
    label_en: str
    root: Group
    subject: tuple[str, ...] | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields of the record, depth first."""
        return tuple(self.root.walk())

    @property
    def checks(self) -> tuple[Check, ...]:
        """The rules between the fields of the record."""
        return self.root.checks

    @property
    def plain(self) -> bool:
        """True when every field is a column of a flat table."""
        return not self.root.groups and not any(field.many for field in self.root.fields)

    @property
    def reference(self) -> str:
        """``name@version#digest``, the form used in provenance."""
        return f"{self.name}@{self.version}#{self.digest}"

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises:
            KeyError: the contract has no such field.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"contract {self.name} has no field {name}")
