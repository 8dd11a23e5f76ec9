"""Drawing a page: words, language, addresses and the template, as a response that is not stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from eco_credit.reports.appraisal_report import stylesheet as appraisal_css
from eco_credit.reports.monitor_report import stylesheet as monitor_css
from eco_credit.reports.page import LANGUAGE_TAGS, LANGUAGES, Translate, environment
from eco_credit.reports.papers.html import stylesheet as paper_css
from eco_credit.reports.validation_report_view import stylesheet as model_css
from serving.access import DEMO, Permission, Principal
from serving.batch.report import stylesheet as run_css
from serving.web.language import language_of, switched, words_of

MENU = (
    ("apply", Permission.SCORE, "/"),
    ("cases", Permission.CASES, "/decisions"),
    ("models", Permission.MODELS, "/models"),
    ("jobs", Permission.JOBS, "/jobs"),
    ("audit", Permission.AUDIT, "/audit"),
    ("users", Permission.USERS, "/users"),
)
"""Rooms of the desk: name, what it takes to enter, address."""
LANGUAGE_NAMES = {"zh": "中文", "en": "English"}
_CSS = "text/css; charset=utf-8"
_SCRIPT = "text/javascript; charset=utf-8"
_MEDIA = {
    "desk.css": _CSS,
    "paper.css": _CSS,
    "appraisal.css": _CSS,
    "model.css": _CSS,
    "monitor.css": _CSS,
    "run_report.css": _CSS,
    "icon.svg": "image/svg+xml",
    "favicon.ico": "image/x-icon",
    "htmx.min.js": _SCRIPT,
    "desk.js": _SCRIPT,
}
_VENDORED = {"htmx.min.js": "vendor/htmx.min.js"}
SCRIPTS = ("htmx.min.js", "desk.js")
"""Scripts of the form, in order; every page works without them."""
HTMX_CONFIG = json.dumps(
    {
        "allowEval": False,
        "allowScriptTags": False,
        "includeIndicatorStyles": False,
        "selfRequestsOnly": True,
        "historyEnabled": False,
        "timeout": 10_000,
    }
)
"""Settings of htmx under a strict content policy: it evaluates nothing, adds no style, asks nobody else."""
_OF_REPORTS: dict[str, Callable[[], str]] = {
    "paper.css": paper_css,
    "appraisal.css": appraisal_css,
    "model.css": model_css,
    "monitor.css": monitor_css,
    "run_report.css": run_css,
}


_BAR = """
.bar { max-width: 60rem; margin: 1rem auto 0; padding: 0 .5rem; display: flex; flex-wrap: wrap; gap: .6rem; }
.bar a { background: #fff; color: #17563a; border: 1px solid #1f6b4a; border-radius: 4px; padding: .35em .9em; }
.bar a { font-size: 15px; text-decoration: none; }
.bar a:focus-visible { outline: 3px solid #b5761a; outline-offset: 2px; }
@media print { .bar { display: none; } }
"""
"""Style of the bar above a report that is a file elsewhere and has no bar of its own."""
_WITH_BAR = ("model.css", "monitor.css", "run_report.css")


@cache
def asset(name: str) -> tuple[bytes, str] | None:
    """A file of the page and its media type, or None when the page has no such file."""
    if name not in _MEDIA:
        return None
    if name in _OF_REPORTS:
        return (_OF_REPORTS[name]() + (_BAR if name in _WITH_BAR else "")).encode(), _MEDIA[name]
    return files("serving.web").joinpath("static", _VENDORED.get(name, name)).read_bytes(), _MEDIA[name]


@cache
def address(name: str) -> str:
    """Address of a file with its digest, so that a browser may keep it for ever."""
    found = asset(name)
    digest = sha256(found[0]).hexdigest()[:12] if found else ""
    return f"/static/{name}?v={digest}"


@dataclass(frozen=True, slots=True)
class Page:
    """One page being answered: its request, language and words."""

    request: Request
    demo: bool
    lang: str
    t: Translate

    @classmethod
    def of(cls, request: Request, *, demo: bool) -> Page:
        """Choose the language of a request."""
        lang = language_of(request)
        return cls(request, demo, lang, words_of(lang))

    def draw(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Fill a template; what a page shows may be personal, so nothing on the way keeps it."""
        names = [(LANGUAGE_TAGS[lang], name, switched(self.request, lang)) for lang, name in LANGUAGE_NAMES.items()]
        text = environment("serving.web").get_template(template).render(
            t=self.t,
            lang=self.lang,
            lang_tag=LANGUAGE_TAGS[self.lang],
            languages=names,
            demo=self.demo,
            css_address=address("desk.css"),
            icon_address=address("icon.svg"),
            **reader_of(self.request),
            scripts=[address(name) for name in SCRIPTS],
            htmx_config=HTMX_CONFIG,
            **values,
        )
        return html(text, self.lang, status=status)

    def missing(self) -> Response:
        """The page for an address, a kind or a decision that does not exist: the same for all of them."""
        return self.notice(self.t("notice.not_found"), self.t("notice.not_found_text"), status=404)

    def erased(self) -> Response:
        """The page for a decision whose borrower was erased: what it was made of is gone."""
        return self.notice(self.t("notice.erased"), self.t("notice.erased_text"), status=410)

    def notice(self, title: str, text: str, *, status: int, sent: Mapping[str, Any] | None = None) -> Response:
        """A page that says why there is nothing to show; ``sent`` is a form to be sent again: action and fields."""
        return self.draw("notice.html.j2", status=status, title=title, text=text, sent=sent)


def barred(report: str, links: Iterable[tuple[str, str]]) -> str:
    """A report with a bar of words and addresses above it, shown on the screen and not printed."""
    bar = Markup("").join(Markup('<a href="{}">{}</a>').format(address, text) for text, address in links)
    return report.replace("<body>", f'<body><nav class="bar">{bar}</nav>', 1)


def other_languages(page: Page) -> list[tuple[str, str]]:
    """Name and address of a page in the languages it is not in."""
    return [(LANGUAGE_NAMES[lang], switched(page.request, lang)) for lang in LANGUAGES if lang != page.lang]


def reader_of(request: Request) -> dict[str, Any]:
    """Who reads a page and what that reader may do, as the templates ask for it; nobody before a login."""
    by: Principal | None = request.scope.get("state", {}).get("principal")
    allowed = {one.value for one in Permission if by is not None and by.may(one)}
    open_to_all = request.app.state.service.open_to_all
    menu = [(name, address) for name, needed, address in MENU if needed.value in allowed]
    found = {"menu": menu, "path": request.url.path}
    return found | {"reader": None if by is None or by is DEMO else by, "may": allowed, "no_login": open_to_all}


def html(text: str, lang: str, *, status: int = 200) -> Response:
    """HTML that depends on the language and is not stored."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Language": LANGUAGE_TAGS[lang],
        "Vary": "Accept-Language",
    }
    return HTMLResponse(text, status, headers)
