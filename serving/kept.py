"""What answers were made with and a replay needs again: overlays and books, kept in the store by digest.

Packages lie in the store by digest anyway. The rules and contracts of the house belong to the software: a replay
by another version of it says which digest differs.
"""

from __future__ import annotations

from pathlib import Path

from eco_credit.registry.files import write_durably

_FOLDER = "kept"


def keep(home: Path, sort: str, digest: str | None, path: Path) -> None:
    """Keep a copy of a file under the digest of what it holds; one that is there already stays.

    Args:
        home: store folder.
        sort: ``overlay`` or ``book``.
        digest: digest as it stands in the provenance of answers.
        path: the file.
    """
    if digest is None or find(home, sort, digest) is not None:
        return
    folder = home / _FOLDER / sort
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_durably(folder / f"{digest}{path.suffix.lower()}", path.read_bytes(), mode=0o600)


def find(home: Path, sort: str, digest: str) -> Path | None:
    """The file kept under a digest, or None."""
    folder = home / _FOLDER / sort
    return next((path for path in sorted(folder.glob(f"{digest}.*"))), None) if folder.is_dir() else None
