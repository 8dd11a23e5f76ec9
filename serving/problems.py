"""Problem documents (RFC 9457): what a caller is told when there is no answer.

A problem names the field and the rule that was broken. It never repeats the value, and shows no
stack, no SQL and no path of this machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import (
    ContractError,
    EcoCreditError,
    ModelNotServable,
    RuleNotInForce,
    StorageUnavailable,
    Violation,
)

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 50
"""Violations listed in one problem; the rest is counted only."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem: stable code (last part of the ``type`` URI), HTTP status and titles."""

    code: str
    status: int
    en: str
    zh: str


_TYPES = (
    ProblemType("malformed_json", 400, "The body is not acceptable JSON", "请求体不是可接受的 JSON"),
    ProblemType("idempotency_key", 400, "The idempotency key is not well formed", "幂等键格式不正确"),
    ProblemType("bad_request", 400, "The request is not well formed", "请求格式不正确"),
    ProblemType("unauthenticated", 401, "Say who you are: a key or a token is needed", "请先登录：须提供密钥或令牌"),
    ProblemType("forbidden", 403, "Your role does not allow this", "您的角色无权进行此操作"),
    ProblemType("not_found", 404, "There is no such thing here", "未找到"),
    ProblemType("method_not_allowed", 405, "This method is not allowed here", "不支持该请求方法"),
    ProblemType("receive_timeout", 408, "The body did not arrive in time", "请求体接收超时"),
    ProblemType("idempotency_conflict", 409, "The key was used with another body", "幂等键已用于其他请求"),
    ProblemType("job_state", 409, "The job has not come to that, or is over", "作业尚未完成或已结束"),
    ProblemType("key_state", 409, "The key has ended, or has a successor", "密钥已失效，或已有替换密钥"),
    ProblemType("erased", 410, "The personal data of this decision was erased", "该决策的个人信息已删除"),
    ProblemType("body_too_large", 413, "The body is too large", "请求体过大"),
    ProblemType("media_type", 415, "The body must be application/json in UTF-8", "请求体须为 UTF-8 编码的 JSON"),
    ProblemType("contract", 422, ContractError.title_en, ContractError.title_zh),
    ProblemType("rule_not_in_force", 422, RuleNotInForce.title_en, RuleNotInForce.title_zh),
    ProblemType("too_many_logins", 429, "Refused too often; wait before trying again", "多次验证失败，请稍后再试"),
    ProblemType("rate_limited", 429, "Too many requests in a minute; wait", "一分钟内请求过多，请稍候"),
    ProblemType("too_many_jobs", 429, "Too many jobs of yours wait or run", "等待或运行中的作业过多"),
    ProblemType("internal", 500, "The service failed; nothing was decided", "服务出错，未作出任何结论"),
    ProblemType("conservation", 500, "Amounts do not add up; nothing was decided", "金额不守恒，未作出任何结论"),
    ProblemType("model_not_servable", 503, ModelNotServable.title_en, ModelNotServable.title_zh),
    ProblemType(
        "book_unavailable",
        503,
        "The lender's book cannot be read; nothing was decided",
        "存量押品台账无法读取，未作出任何结论",
    ),
    ProblemType("storage_unavailable", 503, StorageUnavailable.title_en, StorageUnavailable.title_zh),
    ProblemType("overloaded", 503, "Too many requests at once; try again", "请求过多，请稍后重试"),
)
PROBLEMS: Mapping[str, ProblemType] = {kind.code: kind for kind in _TYPES}
"""All problem types by code."""

RETRY_AFTER = {
    "too_many_logins": "60",
    "too_many_jobs": "60",
    "model_not_servable": "30",
    "book_unavailable": "60",
    "storage_unavailable": "5",
    "overloaded": "1",
}
"""Seconds to wait before trying again, by code."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_PLAIN_PART = re.compile(r"[A-Za-z_$?][A-Za-z0-9_-]{0,62}(\[\d{1,6}\])*|(\[\d{1,6}\])+")


class Problem(Exception):
    """An answer that is a problem document, raised anywhere behind a route."""

    def __init__(
        self, code: str, *, violations: Iterable[Violation] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        """Choose the type by its code; violations become the ``errors`` list."""
        super().__init__(code)
        self.kind = PROBLEMS[code]
        self.violations = tuple(violations)
        self.headers = dict(headers or {})


def violation(field: str, rule: str, en: str, zh: str) -> Violation:
    """Say which rule a field breaks, in both languages; short form of `Violation`."""
    return Violation(field=field, rule=rule, en=en, zh=zh)


def shown_name(name: object) -> str:
    """Name of a field as a caller may see it again.

    List positions become ``[3]``. A key that is not a plain identifier becomes ``?``, since a
    sender could hide a value in it.

    Example:
        >>> shown_name("area"), shown_name(3), shown_name("138 0013")
        ('area', '[3]', '?')
    """
    if isinstance(name, int):
        return f"[{name}]"
    return str(name) if _PLAIN_NAME.fullmatch(str(name)) else "?"


def shown_path(parts: Iterable[object]) -> str:
    """Join names and positions to a path such as ``pledges[0].area``; ``$`` for the whole body."""
    return ".".join(shown_name(part) for part in parts).replace(".[", "[") or "$"


def safe_path(path: str) -> str:
    """A path made by another room, with every part that is not a plain name or position as ``?``.

    Example:
        >>> safe_path("pledges[0].area"), safe_path("borrower.张三")
        ('pledges[0].area', 'borrower.?')
    """
    if not path:
        return "$"
    return ".".join(part if _PLAIN_PART.fullmatch(part) else "?" for part in path[:400].split("."))


def from_error(error: EcoCreditError) -> Problem:
    """Turn an error of the house into a problem; a code without a type is ``internal``."""
    violations = error.violations if isinstance(error, ContractError) else ()
    if isinstance(error, RuleNotInForce):
        violations = (violation("as_of", "rule_not_in_force", error.en, error.zh),)
    return Problem(error.code if error.code in PROBLEMS else "internal", violations=violations)


def language(connection: HTTPConnection) -> str:
    """``zh`` or ``en``, whichever the caller's ``Accept-Language`` weighs more; ``en`` when silent."""
    best, chosen = 0.0, "en"
    for part in connection.headers.get("accept-language", "")[:200].split(","):
        tag, _, weight = part.strip().lower().partition(";q=")
        quality = float(weight) if re.fullmatch(r"[01](\.\d{1,3})?", weight) else 1.0
        if tag[:2] in ("zh", "en") and quality > best:
            best, chosen = quality, tag[:2]
    return chosen


def document(problem: Problem, *, lang: str, request_id: str) -> dict[str, Any]:
    """Members of the problem document; ``errors`` holds at most `MAX_ERRORS` violations."""
    body: dict[str, Any] = {
        "type": f"/problems/{problem.kind.code}",
        "title": getattr(problem.kind, lang),
        "status": problem.kind.status,
        "request_id": request_id,
    }
    if problem.violations:
        shown = problem.violations[:MAX_ERRORS]
        body["errors"] = [
            {"field": safe_path(v.field), "rule": v.rule, "message": getattr(v, lang)} for v in shown
        ]
        body["error_count"] = len(problem.violations)
    return body


def response(problem: Problem, connection: HTTPConnection) -> Response:
    """The problem as an HTTP response in the caller's language."""
    lang = language(connection)
    body = document(problem, lang=lang, request_id=connection.scope.get("state", {}).get("request_id", ""))
    headers = problem.headers | {"Content-Language": lang, "Vary": "Accept-Language"}
    if problem.kind.code in RETRY_AFTER:
        headers["Retry-After"] = RETRY_AFTER[problem.kind.code]
    return Response(canonical_json(body), problem.kind.status, headers, media_type=MEDIA_TYPE)
