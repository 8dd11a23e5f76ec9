"""The papers a case needs, by stage: data of ``checklist.yaml``, on the form page and as a page to print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from eco_credit.contracts import pledge_kinds
from eco_credit.reports.written import kind_label
from serving.access import Permission, needs
from serving.web.pages import Page

if TYPE_CHECKING:
    from serving.state import State

FIRST = "application"
"""The stage whose papers the form page shows."""


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper in the language of the page.

    Attributes:
        anchor: id of its box in the page.
        by: who issues it.
        when: the cases that need it; empty when all do.
    """

    anchor: str
    title: str
    by: str
    when: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The papers of one stage."""

    code: str
    title: str
    papers: tuple[Paper, ...]


@cache
def data() -> Mapping[str, Any]:
    """Stages, sources and papers as the file holds them."""
    text = files("serving.web").joinpath("checklist.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = yaml.safe_load(text)
    return found


def _needed(paper: Mapping[str, Any], kind: str) -> bool:
    return "kinds" not in paper or kind in paper["kinds"]


def stages(kind: str, lang: str) -> tuple[Stage, ...]:
    """The papers of a kind of pledge by stage, those of the kind after those every case needs.

    Args:
        kind: collateral kind; one from outside has the papers every case needs.
        lang: ``zh`` or ``en``.

    Example:
        >>> [(stage.code, len(stage.papers)) for stage in stages("water_right", "en")][:2]
        [('application', 16), ('approval', 17)]
    """
    return tuple(
        Stage(
            stage["code"],
            stage[lang],
            tuple(
                Paper(f"{stage['code']}-{one['id']}", one[lang], one["by"][lang], one.get("when", {}).get(lang, ""))
                for one in data()["papers"]
                if stage["code"] in one["stages"] and _needed(one, kind)
            ),
        )
        for stage in data()["stages"]
    )


def sources(kind: str, lang: str) -> tuple[str, ...]:
    """Where the papers of a kind were read, each source once."""
    named = dict.fromkeys(one["source"] for one in data()["papers"] if _needed(one, kind))
    return tuple(data()["sources"][name][lang] for name in named)


def add_checklist(router: APIRouter, state: State) -> None:
    """Add ``GET /papers/{kind}``: the list to print; its ticks stay in the browser."""

    @router.get("/papers/{kind}")
    @needs(Permission.CATALOGUE)
    async def papers(request: Request, kind: str) -> Response:
        page = Page.of(request, demo=state.demo)
        if kind not in pledge_kinds():
            return page.missing()
        return page.draw(
            "checklist.html.j2",
            kind=kind,
            kind_label=kind_label(kind, page.lang),
            stages=stages(kind, page.lang),
            sources=sources(kind, page.lang),
        )
