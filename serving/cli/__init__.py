"""The command line ``eco-credit``.

Serving's own commands are registered here one by one. Other rooms of the house join through the
entry point group ``eco_credit.commands`` (training does), so that a slim serving install simply
lacks their commands and no import runs sideways.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.metadata import entry_points

import typer

from eco_credit.core.errors import EcoCreditError

_COMMANDS = ("score", "rules", "contracts", "gep", "batch", "portfolio", "serve", "demo", "audit", "memo")


def build() -> typer.Typer:
    """Put the command line together from the modules here and the entry points outside."""
    app = typer.Typer(
        name="eco-credit",
        help="Value, score and decide loans on water rights, forest rights and product orders. "
        "生态权益贷款的估值、评分与决策建议。",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for name in _COMMANDS:
        importlib.import_module(f"serving.cli.{name}").register(app)
    for point in sorted(entry_points(group="eco_credit.commands"), key=lambda p: p.name):
        point.load()(app)
    return app


def main() -> None:
    """Run the command line; an error of the house becomes a sentence and an exit code."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    try:
        build()()
    except EcoCreditError as error:
        from serving.cli.output import exit_code, refuse

        try:
            refuse(error, "--json" in sys.argv)
        except typer.Exit:
            sys.exit(exit_code(error))
