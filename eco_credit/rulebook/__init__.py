"""Dated values of law, norm, market and house policy, each with authority and reference."""

from eco_credit.rulebook.book import Book, Rule, RuleSet, load
from eco_credit.rulebook.lint import lint, references

__all__ = ["Book", "Rule", "RuleSet", "lint", "load", "references"]
