"""Run the real server around the simple pipeline: ``plain_server.py HOME PORT [SETTINGS as JSON]``.

``file_bytes`` among the settings bounds every file this process writes, as a full disk does.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from api_service import Plain, triple_of

from serving.app import create_app
from serving.models import Champions
from serving.server import Server, config
from serving.settings import Settings


def main() -> None:
    """Serve until stopped."""
    told = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    if size := told.pop("file_bytes", None):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    plain = {"access": "open", "receive_timeout": 1.0, "max_body_bytes": 20_000, "web": False, "drain_seconds": 0.0}
    settings = Settings(home=Path(sys.argv[1]), **(plain | told))
    app = create_app(settings, pipeline=Plain(), champions=Champions(settings, lambda _: triple_of()))
    Server(config(app, "127.0.0.1", int(sys.argv[2]))).run()


if __name__ == "__main__":
    main()
