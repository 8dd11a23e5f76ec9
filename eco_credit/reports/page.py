"""The template environment and the words of the reports: two languages, escaped, strict about gaps."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from eco_credit.reports import formats

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LANGUAGES = ("zh", "en")
"""The languages of every page, in order of preference."""
LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}
"""Language to the tag written in ``<html lang>``."""

Translate = Callable[..., str]

SIGNERS = ("officer", "second", "head", "reviewer", "approver")
"""Who signs a memo or an appraisal report, in order."""


@cache
def words(package: str, lang: str) -> dict[str, str]:
    """All sentences of one package in one language, by dotted key.

    Args:
        package: importable package that holds ``i18n/<lang>.yaml``.
        lang: ``zh`` or ``en``.

    Returns:
        Flat mapping such as ``{"gates.title": "Gates"}``.

    Raises:
        KeyError: the language is not one of :data:`LANGUAGES`.
    """
    if lang not in LANGUAGES:
        raise KeyError(lang)
    text = files(package).joinpath("i18n", f"{lang}.yaml").read_text(encoding="utf-8")
    return dict(_flat(yaml.load(text, Loader=_LOADER), ""))  # noqa: S506 - a safe loader


def _flat(node: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    """Nested words as dotted keys."""
    found: list[tuple[str, str]] = []
    for key, value in node.items():
        name = f"{prefix}{key}"
        found += _flat(value, name + ".") if isinstance(value, dict) else [(name, str(value))]
    return found


def translator(lang: str, *packages: str) -> Translate:
    """A function from a key and named values to a sentence; a missing key is an error.

    Named values are escaped where the sentence lands in HTML, not here.

    Example:
        >>> translator("en", "eco_credit.reports")("recommendation.decline")
        'Decline'
    """
    table: dict[str, str] = {}
    for package in packages or ("eco_credit.reports",):
        table |= words(package, lang)

    def translate(key: str, **values: object) -> str:
        return table[key].format(**values) if values else table[key]

    return translate


@cache
def environment(*packages: str) -> Environment:
    """Templates of the given packages (own ones first), escaped and strict about undefined names.

    Args:
        *packages: further packages holding ``templates/``; they are searched before the reports' own.

    Returns:
        A jinja2 environment with the filters ``wan``, ``yuan``, ``percent``, ``brief``.
    """
    loaders = [PackageLoader(name) for name in (*packages, "eco_credit.reports")]
    env = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters |= {
        "wan": formats.wan,
        "yuan": formats.number,
        "percent": formats.percent,
        "brief": formats.brief,
        "money": money,
    }
    return env


def money_text(yuan: object, t: Translate) -> str:
    """Money as one line of text: ten thousand yuan in zh, yuan in en.

    Example:
        >>> money_text(1_234_550.0, translator("zh")), money_text(1_234_550.0, translator("en"))
        ('123.46 万元', '1,234,550.00 CNY')
    """
    shown = _shown(yuan, t)
    return shown if shown == formats.UNKNOWN else f"{shown} {t('unit.money')}"


def money(yuan: object, t: Translate, per: str = "") -> Markup:
    """Money for a page: large in the unit of the language, in yuan to the cent on hover.

    Args:
        yuan: amount in yuan, None when unknown.
        t: words of the language.
        per: key of the words behind the unit, such as ``unit.per_year``.

    Returns:
        A ``data`` element and the unit, or a dash.
    """
    shown = _shown(yuan, t)
    if shown == formats.UNKNOWN:
        return escape(shown)
    unit = t("unit.money") + (t(per) if per else "")
    return Markup('<data class="money" value="{0}" title="¥{0}">{1}</data> <span class="unit">{2}</span>').format(
        formats.number(yuan), shown, unit
    )


def _shown(yuan: object, t: Translate) -> str:
    """The figure alone, in the unit the language reads money in."""
    return formats.wan(yuan) if t("unit.money_scale") == "wan" else formats.number(yuan)
