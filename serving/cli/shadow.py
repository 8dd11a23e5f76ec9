"""``eco-credit shadow``: how far champion and challenger agree."""

from __future__ import annotations

import typer

from eco_credit.registry import Store
from serving.cli.output import HomeOption, JsonOption, emit


def register(app: typer.Typer) -> None:
    """Add the command ``shadow``."""
    app.command()(shadow)


def shadow(home: HomeOption = None, json: JsonOption = False) -> None:
    """Compare what champion and challenger say of the same applications: PD differences and grade migration."""
    from serving.shadow import shadow_path, summary

    store = Store(home) if home is not None else Store.default()
    emit(summary(shadow_path(store.home)), json)
