"""The portfolio report: the figures of `eco_credit.portfolio` as a page to print and as plain lines."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from eco_credit.reports.formats import UNKNOWN, day, percent
from eco_credit.reports.page import LANGUAGE_TAGS, Translate, environment, translator
from eco_credit.reports.portfolio_cells import Section
from eco_credit.reports.portfolio_company import company, counter
from eco_credit.reports.portfolio_figures import (
    account,
    balances,
    bearing,
    concentration,
    limits,
    lived,
    loss,
    scope_and_reserves,
    verdicts,
)
from eco_credit.reports.portfolio_outlook import (
    distribution,
    groupings,
    plan,
    prudential,
    relief,
    stress,
    vintages,
    watch,
)


def sections(figures: Mapping[str, Any], *, lang: str = "zh") -> list[Section]:
    """The figures as titled tables, in reading order; a section without figures is left out.

    Args:
        figures: plain data of `eco_credit.portfolio.PortfolioFigures`; with ``outlook`` of
            `eco_credit.portfolio.portfolio_outlook` and ``prudential`` the sections of the year ahead follow.
        lang: ``zh`` or ``en``.
    """
    t = translator(lang)
    first = (verdicts, balances, account, lived, bearing, loss)
    made: list[Section | None] = [build(figures, t, lang) for build in first]
    outlook = figures.get("outlook")
    if outlook is not None:
        made += [build(outlook, t, lang) for build in (distribution, stress, watch)]
    own = (limits, company, counter, scope_and_reserves, concentration)
    made += [build(figures, t, lang) for build in own]
    if outlook is not None:
        made += [groupings(outlook, t, lang), vintages(outlook, t, lang), plan(outlook, t, lang)]
    made += [prudential(figures, t, lang), relief(figures, t, lang)]
    return [section for section in made if section is not None]


def portfolio_report(figures: Mapping[str, Any], *, lang: str = "zh") -> str:
    """The report as one HTML page: no script, no outside address, prints on A4.

    Args:
        figures: as for `sections`, with ``rules_day`` and ``rules_hash``.
        lang: ``zh`` or ``en``.

    Returns:
        HTML text; marked as synthetic when the rows or the model are.
    """
    t = translator(lang)
    return environment().get_template("portfolio_report.html.j2").render(
        t=t, lang=lang, lang_tag=LANGUAGE_TAGS[lang], css=Markup(stylesheet()),  # noqa: S704  our own file
        figures=figures, head=head(figures, t, lang), cards=cards(figures, t, lang),
        sections=sections(figures, lang=lang),
        footer=footer(figures, t, lang), synthetic=synthetic_line(figures, t),
    )  # fmt: skip


def stylesheet() -> str:
    """The style sheet of the report."""
    return files("eco_credit.reports").joinpath("templates", "portfolio_report.css").read_text(encoding="utf-8")


def cards(figures: Mapping[str, Any], t: Translate, lang: str) -> list[tuple[str, str]]:
    """The few figures a reader wants first: name and value."""
    from eco_credit.reports.portfolio_cells import count, money, part

    balance, bearer = figures["balance"], figures["bearer"]
    outlook = figures.get("outlook")
    after = {"payout": bearer["expected_payout"], **bearer} if outlook is None else outlook["account"]
    shown = [
        ("nominal", money(balance["nominal"])), ("clients", count(figures["counts"]["clients"])),
        ("expected_payout" if outlook is None else "expected_after", money(after["payout"])),
        ("break_even_fee_rate", part(after["break_even_fee_rate"])), ("fee_rate", part(bearer["fee_rate"])),
    ]  # fmt: skip
    if outlook is not None:
        own = {row["party"]: row for row in outlook["parties"]}.get(figures["terms"]["bearer"])
        tail = None if own is None else own["es"]
        shown += [("bearer_shortfall", money(tail)), ("shortfall", money(outlook["distribution"]["tails"][-1]["es"])),
                  ("cap_reached", part(outlook["cap"]["reached"]))]  # fmt: skip
    return [(t(f"portfolio.card.{name}"), cell.shown(lang)) for name, cell in shown]


def head(figures: Mapping[str, Any], t: Translate, lang: str) -> list[str]:
    """What the report is of: terms and their standing, bearer, loans, day of the rules."""
    terms, counts = figures["terms"], figures["counts"]
    bearer = terms["bearer"]
    return [
        t("portfolio.terms", name=terms["name"], authority=t("portfolio.authority." + terms["authority"])),
        t("portfolio.of", bearer=t("portfolio.party." + bearer) if known(t, bearer) else bearer,
          loans=f"{counts['in_portfolio']:,}", read=f"{counts['read']:,}", day=day(figures["rules_day"], lang)),
    ]  # fmt: skip


def synthetic_line(figures: Mapping[str, Any], t: Translate) -> str | None:
    """Which figures are synthetic; None where none is."""
    if not figures["synthetic"]:
        return None
    parts = figures["synthetic_parts"]
    said = [t(f"portfolio.synthetic_of.{name}", loans=f"{parts[name]:,}") if parts[name] is not None
            else t(f"portfolio.synthetic_of.{name}_unknown") for name in ("synthetic", "synthetic_model")]  # fmt: skip
    return t("portfolio.synthetic", what="".join(said))


def footer(figures: Mapping[str, Any], t: Translate, lang: str) -> list[str]:
    """What the figures rest on: terms, split, what was assumed, rules."""
    terms = figures["terms"]
    split = t("portfolio.join").join(
        f"{t('portfolio.party.' + party) if known(t, party) else party} {percent(share)}"
        for party, share in terms["split"].items()
    )
    return [
        t("portfolio.terms", name=terms["name"], authority=t("portfolio.authority." + terms["authority"])),
        t("portfolio.split", split=split),
        t("portfolio.assumed", names=t("portfolio.join").join(assumed(terms, t)) or UNKNOWN),
        t("portfolio.rules", day=day(figures["rules_day"], lang), hash=figures["rules_hash"][:16]),
        t("portfolio.cannot_tell"),
    ]


def assumed(terms: Mapping[str, Any], t: Translate) -> list[str]:
    """Names of the terms that came from the rulebook."""
    return [t("portfolio.term." + name) for name in terms["assumed"]]


def known(t: Translate, party: str) -> bool:
    """True where the party has a name of the house."""
    try:
        t("portfolio.party." + party)
    except KeyError:
        return False
    return True
