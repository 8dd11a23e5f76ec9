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
    host: Annotated[str, typer.Option(help="Address to bind; the default stays on this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to bind.", min=0, max=65535)] = 8000,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Serve the API and the web page; with nothing configured, on the demo store (made when it is missing)."""
    from serving.cli.demo import ensure_demo_store
    from serving.server import check_reach
    from serving.server import serve as run
    from serving.settings import Settings

    settings = Settings() if home is None else Settings(home=home)
    check_reach(settings, host)
    if not Store(settings.home).has_champion(settings.model_name):
        note("no model is served from this store yet: building the synthetic demo store first")
        ensure_demo_store(settings.home)
    emit({"url": f"http://{host}:{port}", "home": str(settings.home)} if json else f"http://{host}:{port}", json)
    run(settings, host, port)
