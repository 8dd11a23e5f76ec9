"""Read the ledger of a guarantee agency from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eco_credit.core.numbers import Columns

CONTRACT = "guarantee_ledger"
"""Name of the contract."""
_MOST_VIOLATIONS = 100


def read_ledger(path: Path) -> Columns:
    """Rows of a ledger as columns of the contract ``guarantee_ledger``, checked.

    Args:
        path: parquet, csv (UTF-8 with or without BOM, GB18030) or xlsx; headers in Chinese or English, money and
            shares in the unit the header states.

    Returns:
        Columns of the contract, n rows; what is not in the file is unknown.

    Raises:
        ContractError: the file is refused, or rows break the contract; each violation names row, field and rule.
    """
    from eco_credit.contracts import contract
    from eco_credit.core.errors import ContractError, Violation
    from serving.batch.check import findings
    from serving.batch.chunk import join
    from serving.batch.settings import Limits
    from serving.batch.source import open_source

    wanted = contract(CONTRACT)
    source = open_source(path, list(wanted.fields), Limits(), merged=frozenset({"application_id"}))
    source.survey()
    chunk = join(list(source.blocks()))
    broken = findings(wanted, chunk)[:_MOST_VIOLATIONS]
    if broken:
        raise ContractError([Violation(b["field"], b["rule"], b["en"], b["zh"], b["row"]) for b in broken])
    return chunk.columns
