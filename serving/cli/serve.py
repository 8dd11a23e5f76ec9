"""``eco-credit serve``: the API and the web page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eco_credit.registry import Store
from serving.cli.output import HomeOption, JsonOption, emit, note

if TYPE_CHECKING:
    from serving.settings import Settings


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
    from serving.server import check_reach
    from serving.server import serve as run
    from serving.settings import read_settings
    from serving.subject_keys import keys_of

    said = {"home": home, "host": host, "port": port}
    settings = read_settings(**{name: value for name, value in said.items() if value is not None})
    check_reach(settings, settings.host)
    keys_of(settings)  # a key file that cannot be used is told before anything starts
    if settings.access != "keys" and not Store(settings.home).has_champion(settings.model_name):
        note("no model is served from this store yet: building the synthetic demo store first")
        ensure_demo_store(settings.home)
    if settings.access == "keys" and not _has_keys(settings):
        note("nobody has a key yet: eco-credit users add NAME --tenant T --role R / 尚无密钥，请先用 users add 生成")
    url = f"http://{settings.host}:{settings.port}"
    emit({"url": url, "home": str(settings.home)} if json else url, json)
    run(settings)


def _has_keys(settings: Settings) -> bool:
    from serving.access.keybook import book_of

    book = book_of(settings)
    try:
        return bool(book.read())
    finally:
        book.close()
