"""``eco-credit serve``: the API and the web page."""

from __future__ import annotations

from typing import Annotated

import typer

from eco_credit.registry import Store
from serving.cli.output import HomeOption, JsonOption, emit, note


def register(app: typer.Typer) -> None:
    """Add the command ``serve``."""
    app.command()(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind (setting: host, 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind (setting: port, 8000).", min=0, max=65535)] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Serve the API and the web page; with nothing configured, on the demo store (made when it is missing)."""
    from serving.cli.demo import ensure_demo_store
    from serving.server import serve as run
    from serving.settings import read_settings

    said = {"home": home, "host": host, "port": port}
    settings = read_settings(**{name: value for name, value in said.items() if value is not None})
    if not Store(settings.home).has_champion(settings.model_name):
        note("no model is served from this store yet: building the synthetic demo store first")
        ensure_demo_store(settings.home)
    url = f"http://{settings.host}:{settings.port}"
    emit({"url": url, "home": str(settings.home)} if json else url, json)
    run(settings)
