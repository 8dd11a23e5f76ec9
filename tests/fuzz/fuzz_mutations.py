"""Ways to spoil a request: bytes of any text, and values of a JSON tree; every choice comes from one seeded source."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Iterator
from typing import Any

NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -0.0, -1, 1, 2**53, 2**63, -(2**63) - 1, 10**400),
    *(1e308, 5e-324, 1e-320, float("nan"), float("inf")),
    *("", " ", "0", "1.5", "true", "null", "NaN", "\x00", "\ud800", "\u202e", "%00", "𝟙𝟚"),
    *("' OR 1=1 --", "<script>", "=1+1", "../../etc", "林" * 200, "a" * 5_000),
    *("2026-02-30", "9999-12-31", "0000-00-00", "2026-11-23T00:00:00Z"),
    *([], {}, [[]], [{}], {"": ""}, [None] * 50, {"a": {"b": {"c": {"d": {}}}}}),
)
TOKENS = (
    *(b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0", b"1E-400", b"9" * 400),
    *(b"\xef\xbb\xbf", b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xe6\x9e", b"\\u0000", b"\\ud800"),
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"'", b"/*", b"\r\n\r\n"),
    *(b"[" * 64, b'{"a":' * 64, b'"as_of":"2026-11-23",'),
)


def spoiled_bytes(raw: bytes, chance: random.Random) -> bytes:
    """A text with one to four of its bytes or stretches changed, cut, doubled, moved or replaced by a token."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        length = chance.choice((1, 1, 2, 8, 64))
        act = chance.randrange(6)
        if act == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif act == 1:
            del data[at : at + length]
        elif act == 2:
            data[at:at] = data[at : at + length]
        elif act == 3:
            data[at:at] = chance.choice(TOKENS)
        elif act == 4:
            data[at : at + length] = chance.choice(TOKENS)
        else:
            data = data[: max(at, 1)]
    return bytes(data)


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values of a tree, the whole one first."""
    yield path
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inside:
        yield from places(value, (*path, key))


def spoiled_tree(tree: Any, chance: random.Random) -> Any:
    """A tree with one to three of its values replaced, removed, doubled, renamed or moved."""
    spoiled = copy.deepcopy(tree)
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(list(places(spoiled)))
        if not path:
            return copy.deepcopy(chance.choice(NASTY))
        parent = spoiled
        for key in path[:-1]:
            parent = parent[key]
        _spoil(parent, path[-1], chance)
    return spoiled


def _spoil(parent: Any, key: Any, chance: random.Random) -> None:
    """Change one member of a list or mapping."""
    act, value = chance.randrange(6), copy.deepcopy(chance.choice(NASTY))
    if act == 0:
        del parent[key]
    elif act == 1 and isinstance(parent, list):
        parent.extend(copy.deepcopy(parent[key]) for _ in range(chance.choice((1, 3, 40))))
    elif act == 2 and isinstance(parent, dict):
        parent[chance.choice(("x", "", "__proto__", str(key).upper(), f" {key}", "kind"))] = value
    elif act == 3 and isinstance(parent[key], int | float) and not isinstance(parent[key], bool):
        by = chance.choice((-1, 0, 1e-9, 1e3, 1e12, 1e300))
        try:
            parent[key] = parent[key] * by
        except OverflowError:  # a whole number beyond any double, spoiled once more
            parent[key] = math.inf
    elif act == 4:
        parent[key] = [parent[key]] if chance.random() < 0.5 else {"value": parent[key]}
    else:
        parent[key] = value


def written(tree: Any) -> bytes:
    """The tree as a careless client writes it: NaN and lone surrogates are let through."""
    return json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass")
