"""Which language a page is shown in: the address says it, else the browser, else Chinese."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from starlette.requests import Request

from eco_credit.reports.page import LANGUAGES, Translate, translator

_WEIGHT = re.compile(r"[01](\.\d{1,3})?")


def preferred(header: str) -> str:
    """The language an ``Accept-Language`` header weighs most; Chinese when it names neither.

    Example:
        >>> preferred("en-GB,en;q=0.9,zh;q=0.2"), preferred("fr"), preferred("")
        ('en', 'zh', 'zh')
    """
    best, chosen = 0.0, LANGUAGES[0]
    for part in header[:200].split(","):
        tag, _, weight = part.strip().lower().partition(";q=")
        quality = float(weight) if _WEIGHT.fullmatch(weight) else 1.0
        if tag[:2] in LANGUAGES and quality > best:
            best, chosen = quality, tag[:2]
    return chosen


def language_of(request: Request) -> str:
    """``zh`` or ``en``: the query's ``lang`` when it is one of them, else what the browser prefers."""
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else preferred(request.headers.get("accept-language", ""))


def words_of(lang: str) -> Translate:
    """The sentences of the reports and of the web page in one language."""
    return translator(lang, "eco_credit.reports", "serving.web")


def switched(request: Request, lang: str) -> str:
    """The address of the same page in another language, without the host."""
    kept = {name: value for name, value in request.query_params.items() if name != "lang"}
    return f"{request.url.path}?{urlencode(kept | {'lang': lang})}"
