"""Run the real server around the simple pipeline: ``plain_server.py HOME PORT``."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from api_service import Plain, triple_of

from serving.app import create_app
from serving.models import Champions
from serving.server import config
from serving.settings import Settings


def main() -> None:
    """Serve until stopped."""
    settings = Settings(access="open", home=Path(sys.argv[1]), receive_timeout=1.0, max_body_bytes=20_000, web=False)
    app = create_app(settings, pipeline=Plain(), champions=Champions(settings, lambda _: triple_of()))
    uvicorn.Server(config(app, "127.0.0.1", int(sys.argv[2]))).run()


if __name__ == "__main__":
    main()
