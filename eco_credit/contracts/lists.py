"""Code lists: closed or open sets of codes, each with its name and edition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from eco_credit.contracts.files import find, read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """A code list; a code means nothing without the name and edition of its list.

    Attributes:
        id: file name without ending.
        name, edition: what the list is called and which edition it is.
        source: where it was read.
        verify: True when it was not checked against the text of the norm.
        closed: True when a code outside the list is refused.
        texts: code to {"zh": …, "en": …}.
    """

    id: str
    name: str
    edition: str
    source: str
    verify: bool
    closed: bool
    texts: Mapping[str, Mapping[str, str]]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes in the order of the list."""
        return tuple(self.texts)

    @property
    def title(self) -> str:
        """Name and edition, as shown beside a code."""
        return f"{self.name} {self.edition}"

    def text(self, code: str, language: str = "zh") -> str:
        """Text of a code; the code itself where the list does not know it."""
        return self.texts.get(code, {}).get(language, code)


@cache
def code_list(list_id: str) -> CodeList:
    """Read a code list by id.

    Args:
        list_id: such as ``repayment`` or ``forest_class``.

    Returns:
        The list.

    Raises:
        KeyError: there is no such list.

    Example:
        >>> code_list("repayment").text("bullet", "en")
        'bullet at maturity'
    """
    data = read_yaml(find(list_id, folder="lists"))
    return CodeList(
        id=list_id,
        name=data["name"],
        edition=str(data["edition"]),
        source=data["source"],
        verify=bool(data.get("verify", False)),
        closed=bool(data.get("closed", True)),
        texts=MappingProxyType({str(code): dict(text) for code, text in data["codes"].items()}),
    )
