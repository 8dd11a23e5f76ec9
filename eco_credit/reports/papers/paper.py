"""One paper of the desk as plain data: parts and blocks, which the web page and the PDF both print.

A block says what it is, not how it looks: labelled facts, a table, lines of text, a note, a blank to write in, boxes to
tick, a block to sign. Every figure in it is already written out, so that both prints show the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled figure.

    Attributes:
        label: what it is, with its unit.
        text: as printed; empty for a blank to be filled in by hand.
        exact: the amount in yuan to the cent, for the page and the PDF's reader; empty where it is no money.
        source: where it is from; empty without one.
        wide: takes the whole width.
        strong: is a main figure.
    """

    label: str
    text: str
    exact: str = ""
    source: str = ""
    wide: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Labelled figures in a grid of two columns, with their sources below."""

    facts: tuple[Fact, ...]
    sources: tuple[str, ...]
    type: str = "facts"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; columns named in ``numbers`` are set to the right, ``widths`` are parts of the whole."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]
    numbers: tuple[int, ...] = ()
    type: str = "table"


@dataclass(frozen=True, slots=True)
class Lines:
    """Sentences under one another, with a name before them where there is one."""

    title: str
    lines: tuple[str, ...]
    type: str = "lines"


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that stands apart; a warning is framed."""

    text: str
    warning: bool = False
    type: str = "note"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a part."""

    text: str
    type: str = "heading"


@dataclass(frozen=True, slots=True)
class Blank:
    """Room for a person to write, with what is to be written."""

    label: str
    rows: int = 2
    type: str = "blank"


@dataclass(frozen=True, slots=True)
class Ticks:
    """Boxes to tick; those already ticked are recorded decisions."""

    label: str
    choices: tuple[tuple[str, bool], ...]
    type: str = "ticks"


@dataclass(frozen=True, slots=True)
class Sign:
    """A block to sign: one row for each role."""

    title: str
    head: tuple[str, ...]
    roles: tuple[str, ...]
    type: str = "sign"


Block = Facts | Table | Lines | Note | Heading | Blank | Ticks | Sign


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a paper with its heading; the heading may be empty."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper.

    Attributes:
        title: its name.
        subtitle: what it is about, in a line.
        lang: ``zh`` or ``en``.
        number: number of the decision; the only identifier outside the text of the pages.
        mark: stands at the head of every page when figures are synthetic; empty when they are not.
        foot: stands at the foot of every page.
        page: words of the page number, with ``{page}`` and ``{pages}``.
        recorded_at: time of the record in UTC, ISO 8601.
        parts: in the order of the house rule.
        hand: what is written by hand on every page; empty for none.
    """

    title: str
    subtitle: str
    lang: str
    number: str
    mark: str
    foot: str
    page: str
    recorded_at: str
    parts: tuple[Part, ...]
    hand: str = ""
    program: str = field(default="eco-credit")

    def plain(self) -> dict[str, Any]:
        """The paper as mappings, lists and text."""
        return asdict(self)


def sourced(facts: Sequence[Fact | None]) -> Facts:
    """Facts with a circled number behind each label that has a source, and the sources in that order.

    Example:
        >>> sourced([Fact("申请金额", "200.00", source="申请书")])
        Facts(facts=(Fact(label='申请金额 ①', ...),), sources=('① 申请书',), type='facts')
    """
    numbers: dict[str, str] = {}
    marked = []
    for fact in facts:
        if fact is None:
            continue
        label = fact.label
        if fact.source:
            label = f"{label} {numbers.setdefault(fact.source, _circled(len(numbers)))}"
        marked.append(Fact(label, fact.text, fact.exact, fact.source, fact.wide, fact.strong))
    return Facts(tuple(marked), tuple(f"{mark} {source}" for source, mark in numbers.items()))


def _circled(place: int) -> str:
    return _CIRCLED[place] if place < len(_CIRCLED) else f"({place + 1})"
