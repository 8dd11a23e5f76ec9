"""Synthetic example applications, valid by contract: for documents, the web form and tests."""

from __future__ import annotations

import json
from typing import Any

from eco_credit.contracts.files import find_example


def example_application(kind: str) -> dict[str, Any]:
    """A synthetic application with pledges of one kind, as a caller would send it.

    Args:
        kind: name of a kind of pledge, such as ``forest_right``.

    Returns:
        A fresh nested record; names and numbers are invented, area code 999999 is not assigned.

    Raises:
        KeyError: there is no example of that kind.

    Example:
        >>> example_application("water_right")["pledges"][0]["source_type"]
        'surface'
    """
    application: dict[str, Any] = json.loads(find_example(kind).read_text(encoding="utf-8"))
    return application
