"""CREATE TABLE statements generated from contracts, for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Literal

from eco_credit.contracts.field import Contract, Field

Dialect = Literal["sqlite", "postgresql"]
_TYPES = {
    "sqlite": {"number": "REAL", "integer": "INTEGER", "boolean": "INTEGER", "text": "TEXT", "date": "TEXT"},
    "postgresql": {"number": "double precision", "integer": "bigint", "boolean": "boolean", "text": "text",
                   "date": "date"},
}


def create_table(source: Contract, dialect: Dialect = "sqlite") -> str:
    """The table of a flat contract, its bounds and codes as CHECK constraints.

    Patterns are checked in PostgreSQL only: SQLite has no regular expressions of its own. Identifier
    checks and rules between fields are not expressed.

    Raises:
        ValueError: the contract has lists or nested records.
    """
    if not source.plain:
        raise ValueError(f"{source.name} is not a flat table")
    lines = [_column(field, dialect) for field in source.fields]
    head = f"-- {source.reference}\nCREATE TABLE {_quoted(source.name)} (\n"
    return head + ",\n".join(f"    {line}" for line in lines) + "\n);\n"


def _column(field: Field, dialect: Dialect) -> str:
    tests = " AND ".join(_tests(field, dialect))
    blank = " NOT NULL" if field.required else ""
    return f"{_quoted(field.column)} {_TYPES[dialect][field.type]}{blank}" + (f" CHECK ({tests})" if tests else "")


def _tests(field: Field, dialect: Dialect) -> list[str]:
    name = _quoted(field.column)
    if field.codes is not None:
        return [f"{name} IN ({', '.join(_text(code) for code in field.codes)})"]
    if field.type == "text":
        tests = [f"length({name}) BETWEEN 1 AND {field.max_length}"]
        return tests + ([f"{name} ~ {_text(field.pattern)}"] if field.pattern and dialect == "postgresql" else [])
    if field.type == "date":
        return [f"{name} BETWEEN '1900-01-01' AND '2199-12-31'"]
    if field.type == "boolean":
        return [f"{name} IN (0, 1)"] if dialect == "sqlite" else []
    kinds = [f"typeof({name}) IN ('real', 'integer', 'null')"] if dialect == "sqlite" else []
    limits = ((">=", field.minimum), (">", field.exclusive_minimum), ("<=", field.maximum))
    return kinds + [f"{name} {sign} {limit:.17g}" for sign, limit in limits if limit is not None]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
