"""Our own reader of JSON bodies: bounded, strict, and able to name what it refuses.

The standard scanner is kept (it is fast and takes hooks), but everything it would let through is
caught: NaN and infinity, numbers too large for a double or for 64 bit, numbers that would become
zero, keys given twice, control characters, lone surrogates, a byte order mark. Nearly every body is in
order, so it is first scanned without hooks and looked through once for anything that could be wrong;
only where that look leaves a doubt is it read again, with a marker in the place of each refused number
or object, so that a walk can say *where* it was.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request

from eco_credit.core.errors import ContractError, Violation
from serving.problems import Problem, shown_path, violation

MAX_KEY = 64
"""Longest key, characters."""
LARGE_BODY = 32_768
"""Bodies above this size, in bytes, are parsed off the event loop."""

_INT64 = 2**63
_NESTED = (dict, list)
_PLAIN = json.JSONDecoder()
_PLAIN_BYTES = bytes(
    byte for byte in range(256)
    if byte in b"\t\n\r" or (0x20 <= byte != 0x7F and byte not in (0x5C, 0xC2, 0xE2, 0xEF))
)  # fmt: skip
"""Bytes that begin or continue no character of `_SUSPECT`."""
# A number that is not zero but becomes it has 300 places or more before its first digit: a long run of zeros, or an
# exponent of three digits.
_MANY_ZEROS = b"0" * 20
_TINY = re.compile(rb"e-(?<=[0-9]e-)[0-9]{3}")
# In the text of a body: an escape (it may hide anything) or a character that no string may hold. Tabs
# and line ends may stand between values; inside a string the scanner itself refuses them.
_SUSPECT = re.compile("[\\\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one body: size in bytes, nesting in levels, and commas and opening brackets (so, values)."""

    max_bytes: int = 1_000_000
    max_depth: int = 12
    max_values: int = 50_000


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in the parsed tree for a value that broke a rule."""

    rule: str


class _Twice(dict[str, Any]):
    """An object in which keys were given twice."""

    keys_twice: tuple[str, ...] = ()


_MESSAGES = {
    "not_finite": ("must be a finite number", "须为有限数值"),
    "integer_64_bit": ("integer does not fit 64 bit", "整数超出 64 位"),
    "number_too_small": ("number is too small to keep; it would become zero", "数值过小，会变为零"),
    "duplicate_key": ("is given twice", "重复出现"),
    "text_characters": ("holds control characters or lone surrogates", "含控制字符或孤立代理项"),
    "key_characters": ("has a key that is too long or holds control characters", "含过长或带控制字符的键名"),
    "max_depth": ("is nested too deeply", "嵌套过深"),
    "max_values": ("holds too many values", "数值个数过多"),
    "empty": ("the body is empty", "请求体为空"),
    "utf8": ("the body is not valid UTF-8", "请求体不是有效的 UTF-8"),
    "byte_order_mark": ("the body starts with a byte order mark", "请求体以字节顺序标记开头"),
    "syntax": ("the body is not valid JSON", "请求体不是有效的 JSON"),
    "object": ("the body must be a JSON object", "请求体须为 JSON 对象"),
    "max_bytes": ("the body is larger than allowed", "请求体超过上限"),
    "content_type": ("must be application/json, UTF-8, not compressed", "须为 application/json、UTF-8、不压缩"),
    "in_time": ("the body did not arrive in time", "请求体接收超时"),
}


def _broken(rule: str, path: tuple[object, ...] = ()) -> Violation:
    return violation(shown_path(path), rule, *_MESSAGES[rule])


def _refusal(rule: str, code: str = "malformed_json", headers: dict[str, str] | None = None) -> Problem:
    return Problem(code, violations=[_broken(rule)], headers=headers)


class _Hooks:
    """What the scanner calls; ``marked`` tells whether anything was refused."""

    def __init__(self) -> None:
        self.marked = False

    def _mark(self, rule: str) -> _Refused:
        self.marked = True
        return _Refused(rule)

    def constant(self, _: str) -> _Refused:
        return self._mark("not_finite")

    def integer(self, digits: str) -> int | _Refused:
        if len(digits) > 20 or not -_INT64 <= (value := int(digits)) < _INT64:
            return self._mark("integer_64_bit")
        return value

    def real(self, digits: str) -> float | _Refused:
        value = float(digits)
        if math.isinf(value):
            return self._mark("not_finite")
        if value == 0.0 and digits.lower().partition("e")[0].strip("-0."):
            return self._mark("number_too_small")
        return value

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) == len(pairs):
            return result
        self.marked, twice = True, _Twice(result)
        times = Counter(key for key, _ in pairs)
        twice.keys_twice = tuple(key for key, count in times.items() if count > 1)
        return twice


def _children(value: Any, path: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], Any]]:
    if isinstance(value, dict):
        return (((*path, key), child) for key, child in value.items())
    return (((*path, place), child) for place, child in enumerate(value))


def _own_faults(value: Any, path: tuple[object, ...]) -> Iterator[Violation]:
    """Faults of one value, not of its children."""
    if isinstance(value, _Refused):
        yield _broken(value.rule, path)
    elif isinstance(value, str):
        if _UNSAFE.search(value):
            yield _broken("text_characters", path)
    elif isinstance(value, dict):
        for key in getattr(value, "keys_twice", ()):
            yield _broken("duplicate_key", (*path, key))
        if any(len(key) > MAX_KEY or _UNSAFE.search(key) for key in value):
            yield _broken("key_characters", path)


def faults(tree: Any, limits: Limits) -> list[Violation]:
    """Walk a parsed tree breadth first and list what is refused in it.

    Args:
        tree: result of the scanner with our hooks.
        limits: bound on nesting.

    Returns:
        one violation per fault, with its path; empty when the tree is fine. The walk ends at the
        first level that is too deep.
    """
    found: list[Violation] = []
    level: list[tuple[tuple[object, ...], Any]] = [((), tree)]
    depth = 0
    while level:
        depth += 1
        nested = [(path, value) for path, value in level if isinstance(value, dict | list)]
        if nested and depth > limits.max_depth:
            return [*found, _broken("max_depth", nested[0][0][:1])]
        for path, value in level:
            found.extend(_own_faults(value, path))
        level = [pair for path, value in nested for pair in _children(value, path)]
    return found


def _within(tree: Any, limits: Limits) -> bool:
    """True when nesting and lengths of keys are within the bounds; looks at objects and lists only."""
    level = [tree] if type(tree) in _NESTED else []
    for _ in range(limits.max_depth):
        if not level:
            return True
        if any(type(value) is dict and value and max(map(len, value)) > MAX_KEY for value in level):
            return False
        level = [
            child
            for value in level
            for child in (value.values() if type(value) is dict else value)
            if type(child) in _NESTED
        ]
    return not level


class _Doubt(Exception):
    """A body that must be read again with all hooks: something in it may be refused."""


def _in_order(raw: bytes, text: str, limits: Limits) -> dict[str, Any]:
    """The object in a text that is plainly in order.

    Raises:
        _Doubt: it is not plain that nothing is to be refused.
    """
    if raw.translate(None, _PLAIN_BYTES) and _SUSPECT.search(text):
        raise _Doubt
    try:
        tree = _PLAIN.decode(text)
    except (ValueError, RecursionError):
        raise _Doubt from None
    # no string holds an escape: two quotes belong to one string, and a key given twice is a string that is gone
    if not isinstance(tree, dict) or 2 * _strings_in(tree, raw, limits) != raw.count(b'"'):
        raise _Doubt
    return tree


def _strings_in(tree: dict[str, Any], raw: bytes, limits: Limits) -> int:
    """Number of strings in a tree, keys included; its numbers, nesting and keys are looked at on the way."""
    strings, zeros = 0, False
    level: list[Any] = [tree]
    for _ in range(limits.max_depth):
        nested: list[Any] = []
        for container in level:
            keyed = type(container) is dict
            if keyed and container:
                strings += len(container)
                if max(map(len, container)) > MAX_KEY:
                    raise _Doubt
            for value in container.values() if keyed else container:
                kind = type(value)
                if kind is str:
                    strings += 1
                elif kind is float:
                    zeros = zeros or value == 0.0
                    if not -math.inf < value < math.inf:
                        raise _Doubt
                elif kind is int:
                    if not -_INT64 <= value < _INT64:
                        raise _Doubt
                elif kind in _NESTED:
                    nested.append(value)
        level = nested
        if not level:
            # a zero was written as one unless the text can hold a number too small to keep
            if zeros and (_MANY_ZEROS in raw or _TINY.search(raw.lower())):
                raise _Doubt
            return strings
    raise _Doubt


def _scan(text: str, hooks: _Hooks) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=hooks.object,
            parse_constant=hooks.constant,
            parse_float=hooks.real,
            parse_int=hooks.integer,
        )
    except RecursionError:
        raise _refusal("max_depth") from None
    except ValueError:
        raise _refusal("syntax") from None


def parse(raw: bytes, limits: Limits | None = None) -> dict[str, Any]:
    """Read one JSON object from bytes.

    Args:
        raw: the body as received.
        limits: bounds; the defaults of `Limits` when None.

    Returns:
        the object: dict, list, str, int (64 bit), finite float, bool and None only.

    Raises:
        Problem: ``malformed_json`` (400) or ``body_too_large`` (413), naming field and rule.

    Example:
        >>> parse(b'{"area": 1.5}')
        {'area': 1.5}
        >>> try:
        ...     parse(b'{"pledges": [{"area": NaN}]}')
        ... except Problem as problem:
        ...     print(problem.violations[0].field, problem.violations[0].rule)
        pledges[0].area not_finite
    """
    limits = limits or Limits()
    if len(raw) > limits.max_bytes:
        raise _refusal("max_bytes", "body_too_large")
    if not raw.strip(b" \t\r\n"):
        raise _refusal("empty")
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _refusal("byte_order_mark")
    # Every value but the first follows one of these; counting them is cheaper than making the values.
    if len(raw) > limits.max_values and raw.count(b",") + raw.count(b"[") + raw.count(b"{") > limits.max_values:
        raise _refusal("max_values")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _refusal("utf8") from None
    try:
        return _in_order(raw, text, limits)
    except _Doubt:
        tree = _checked(text, limits)
    if not isinstance(tree, dict):
        raise _refusal("object")
    return tree


def _checked(text: str, limits: Limits) -> Any:
    hooks = _Hooks()
    tree = _scan(text, hooks)
    if hooks.marked or _SUSPECT.search(text) or not _within(tree, limits):
        found = faults(tree, limits)
        if found:
            raise Problem("malformed_json", violations=found)
    return tree


def parse_json(raw: bytes) -> dict[str, Any]:
    """Read one JSON object as `parse` does, for doors other than HTTP.

    Raises:
        ContractError: the text is not the JSON we accept; field and rule are named.
    """
    try:
        return parse(raw)
    except Problem as problem:
        raise ContractError(problem.violations) from None


def check_headers(request: Request, limits: Limits) -> None:
    """Refuse a body by its headers alone: wrong type (415) or a length claim above the bound (413)."""
    kind, _, rest = request.headers.get("content-type", "").lower().partition(";")
    charset = rest.replace(" ", "").replace('"', "")
    encoded = request.headers.get("content-encoding", "identity").lower()
    if kind.strip() != "application/json" or charset not in ("", "charset=utf-8") or encoded != "identity":
        raise _refusal("content_type", "media_type", {"Accept-Post": "application/json", "Connection": "close"})
    claim = request.headers.get("content-length", "0")
    if not claim.isdigit() or len(claim) > 18 or int(claim) > limits.max_bytes:
        raise _refusal("max_bytes", "body_too_large", {"Connection": "close"})


async def _received(request: Request, limits: Limits) -> bytes:
    """The body, counted while it arrives, so that a chunked one is bounded too."""
    body, more = bytearray(), True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limits.max_bytes:
            raise _refusal("max_bytes", "body_too_large", {"Connection": "close"})
    return bytes(body)


async def read_object(request: Request, limits: Limits, *, timeout: float) -> dict[str, Any]:
    """Receive and read the body of a request.

    Args:
        request: the request; its body must not have been read.
        limits: bounds of the body.
        timeout: longest time to receive it, seconds.

    Returns:
        the JSON object, as from `parse`.

    Raises:
        Problem: 400, 408, 413 or 415, naming field and rule.
    """
    check_headers(request, limits)
    try:
        async with asyncio.timeout(timeout):
            raw = await _received(request, limits)
    except (TimeoutError, ClientDisconnect):
        raise _refusal("in_time", "receive_timeout", {"Connection": "close"}) from None
    if len(raw) > LARGE_BODY:
        return await asyncio.to_thread(parse, raw, limits)
    return parse(raw, limits)
