"""``eco-credit rules``: read and check the rulebook."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.core.dates import day_of
from eco_credit.core.errors import ContractError, Violation
from eco_credit.rulebook import Rule, lint, load, references
from serving.cli.output import EXIT_GATE, JsonOption, emit

OverlayOption = Annotated[Path | None, typer.Option(help="The lender's own values, laid over the shipped book.")]


def register(app: typer.Typer) -> None:
    """Add the command group ``rules``."""
    group = typer.Typer(help="The rulebook: dated values with authority and reference.", no_args_is_help=True)
    group.command("list")(list_rules)
    group.command("show")(show)
    group.command("lint")(check)
    app.add_typer(group, name="rules")


def _day(text: str | None) -> dt.date:
    try:
        return day_of(text) if text else dt.date.today()
    except ValueError:
        raise ContractError(
            [Violation("--on", "date", "write the day as YYYY-MM-DD", "日期请写作 YYYY-MM-DD")]
        ) from None


def list_rules(
    prefix: Annotated[str, typer.Argument(help="Only rules whose name starts so.")] = "",
    on: Annotated[str | None, typer.Option(help="Day, YYYY-MM-DD (default today).")] = None,
    overlay: OverlayOption = None,
    json: JsonOption = False,
) -> None:
    """List the rules in force on a day."""
    rules = load(overlay).at(_day(on))
    rows = [_summary(rule) for rule in rules.under(prefix)]
    if json:
        emit({"day": str(rules.day), "digest": rules.digest, "rules": rows}, True)
    else:
        emit(
            "\n".join(f"{r['name']:<58} {_short(r['value']):>16} {r['unit']:<10} {r['authority']}" for r in rows), False
        )


def _short(value: Any) -> str:
    return "(table)" if isinstance(value, (dict, list)) else str(value)


def _summary(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "value": rule.value,
        "unit": rule.unit,
        "authority": rule.authority,
        "ref": rule.ref,
        "verify": rule.verify,
    }


def show(
    name: Annotated[str, typer.Argument(help="Full name of the rule.")],
    on: Annotated[str | None, typer.Option(help="Day, YYYY-MM-DD (default today).")] = None,
    overlay: OverlayOption = None,
    json: JsonOption = False,
) -> None:
    """Show one rule as it stands on a day, with its whole history and reference."""
    book = load(overlay)
    rule = book.at(_day(on)).rule(name)
    history = [
        {
            "in_force": str(v.in_force),
            "published": str(v.published),
            "value": v.value,
            "ref": v.ref,
            "article": v.article,
        }
        for v in book.entries[name].history
    ]
    emit(
        _summary(rule)
        | {
            "about": rule.about,
            "zh": rule.zh,
            "article": rule.article,
            "range": list(rule.range) if rule.range else None,
            "study": book.entries[name].study,
            "reference": {k: str(v) for k, v in references().get(rule.ref, {}).items()},
            "history": history,
        },
        json,
    )


def check(json: JsonOption = False) -> None:
    """Check the rule files: shape, units, authority, references. Exit 4 when something is wrong."""
    findings = lint()
    emit({"rules": len(load().entries), "findings": findings}, json)
    if findings:
        raise typer.Exit(EXIT_GATE)
