"""Documentation pages generated from contracts."""

from __future__ import annotations

from eco_credit.contracts.field import Contract, Field, Group
from eco_credit.contracts.lists import code_list

HEAD = "| field | 名称 / label | type | unit | required | bounds or codes | known at | level | note |"


def markdown(source: Contract) -> str:
    """A page about a contract: every field with labels, unit, bounds, codes, privacy level and help."""
    lines = [f"# {source.label_en} ({source.label_zh})", "", source.description, "",
             f"`{source.name}` version {source.version}, digest `{source.digest[:16]}`.", ""]
    lines += _tables(source.root, "")
    rules = [f"- `{check.rule}`: {', '.join(check.fields)}" + (f" (times {check.factor:g})" if check.factor else "")
             for check in source.checks]
    return "\n".join([*lines, *(["## Rules between fields", "", *rules, ""] if rules else [])])


def _tables(group: Group, path: str) -> list[str]:
    lines = [f"## {group.label_en} ({group.label_zh}): `{path}`", ""] if path else []
    if group.variants:
        lines += ["One of: " + ", ".join(f"`{kind}`" for kind in group.variants), ""]
    if group.fields:
        lines += [HEAD, "|" + "---|" * 9, *(_row(field) for field in group.fields), ""]
    for inner in group.groups:
        lines += _tables(inner, f"{path}.{inner.name}" if path else inner.name)
    return lines


def _row(field: Field) -> str:
    cells = (f"`{field.name}`", f"{field.label_zh} / {field.label_en}", field.type, field.unit,
             "yes" if field.required else "", _bounds(field), field.known_at, f"{field.privacy} {field.personal}",
             " ".join(part for part in (field.description, field.help_en) if part))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _bounds(field: Field) -> str:
    if field.list_id:
        listed = code_list(field.list_id)
        codes = ", ".join(f"{code} {text['zh']}" for code, text in listed.texts.items()) if listed.closed else "open"
        return f"{listed.title}: {codes}"
    limits = ((">", field.exclusive_minimum), ("≥", field.minimum), ("≤", field.maximum))
    return ", ".join(f"{sign} {limit:g}" for sign, limit in limits if limit is not None)
