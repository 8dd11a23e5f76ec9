"""The mark of the house is there for browsers that ask for it by the old name."""

from __future__ import annotations

import struct

from desk_fakes import Visitor


def test_every_page_names_the_mark_and_the_old_name_has_one_too(visitor: Visitor) -> None:
    assert 'rel="icon" href="/static/icon.svg?v=' in visitor.get("/").text
    found = visitor.get("/favicon.ico")
    assert (found.status_code, found.headers["content-type"]) == (200, "image/x-icon")
    assert "default-src 'self'" in found.headers["content-security-policy"]
    assert found.headers["cache-control"] == "public, max-age=86400"


def test_the_mark_by_the_old_name_is_an_icon_of_two_sizes(visitor: Visitor) -> None:
    raw = visitor.get("/favicon.ico").content
    assert struct.unpack_from("<HHH", raw) == (0, 1, 2)  # reserved, icon, two images
    for place, side in enumerate((16, 32)):
        width, height, *_, length, offset = struct.unpack_from("<BBBBHHII", raw, 6 + 16 * place)
        assert (width, height) == (side, side)
        assert raw[offset : offset + 8] == b"\x89PNG\r\n\x1a\n" and offset + length <= len(raw)
