"""What a figure of an appraisal rests on: its rule, how binding that is, and the text, numbered as first named."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from eco_credit.reports.page import Translate
from eco_credit.rulebook import RuleSet, references

_ARTICLE = re.compile(r"第([零一二三四五六七八九十百千]+)条")
_DIGITS = "零一二三四五六七八九"
_PLACES = {"十": 10, "百": 100, "千": 1000}


def article_words(article: str, lang: str) -> str:
    """An article as the law prints it in Chinese, by its number in English.

    Example:
        >>> article_words("第四十七条、第五十五条", "en"), article_words("第三百零一条", "zh")
        ('Art. 47, Art. 55', '第三百零一条')
    """
    if lang == "zh":
        return article
    return _ARTICLE.sub(lambda found: f"Art. {_number(found[1])}", article).replace("、", ", ")


def _number(words: str) -> int:
    """A number below ten thousand in Chinese numerals."""
    total, digit = 0, 0
    for word in words:
        if word in _PLACES:
            total, digit = total + (digit or 1) * _PLACES[word], 0
        else:
            digit = _DIGITS.index(word)
    return total + digit


@dataclass(frozen=True, slots=True)
class Basis:
    """One rule in words.

    Attributes:
        rule: its name; empty where a figure is stated.
        authority: statute, standard, guidance, house or estimate in words; empty where unknown.
        cited: number and article of the text.
        estimate: no text stands behind it.
    """

    rule: str
    authority: str
    cited: str
    estimate: bool


@dataclass(slots=True)
class Sources:
    """References of one report, numbered in the order they are named.

    Attributes:
        rules: rules of the day of the answer.
        lang: ``zh`` or ``en``.
        t: words of that language.
        numbers: reference to its number.
        estimates: rules named that are estimates, with what the report calls them.
        unread: rules named whose text was not read again, likewise.
    """

    rules: RuleSet
    lang: str
    t: Translate
    numbers: dict[str, int] = field(default_factory=dict)
    estimates: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def cite(self, ref: str | None, article: str | None = None) -> str:
        """Number of a reference with the article, such as ``[2] 第四十七条``; empty without a reference."""
        if not ref:
            return ""
        number = self.numbers.setdefault(ref, len(self.numbers) + 1)
        return f"[{number}]" + (f" {article_words(article, self.lang)}" if article else "")

    def basis(self, name: str | None, label: str) -> Basis:
        """What a rule rests on.

        Args:
            name: name of the rule; None for a figure without one.
            label: what the report calls the figure, under which estimates and texts not read again are listed.

        Returns:
            The rule in words; authority and text are empty where the rulebook does not know it.
        """
        rule = self.rules.rules.get(name or "")
        if rule is None:
            return Basis(name or "", "", "", False)
        estimate = rule.authority == "estimate"
        if estimate:
            self.estimates[rule.name] = label
        if rule.verify:
            self.unread[rule.name] = label
        words = self.t(f"appraisal_report.authority.{rule.authority}")
        return Basis(rule.name, words, self.cite(rule.ref, rule.article), estimate)

    def titles(self) -> list[str]:
        """Titles of the references named, in the order of their numbers."""
        return [title_of(ref, self.lang) for ref in self.numbers]


def title_of(ref: str, lang: str) -> str:
    """Title of a reference in Chinese or English; the reference itself where the rulebook does not know it."""
    found = references().get(ref, {})
    return str(found.get("zh" if lang == "zh" else "title") or found.get("title") or ref)
