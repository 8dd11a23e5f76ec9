"""The computations behind the routes: plain data in, plain data out, no HTTP and no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from eco_credit.core.canonical import digest, finite_json, sha256
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.provenance import Provenance, code_version
from serving.models import Triple

if TYPE_CHECKING:
    from eco_credit.rulebook import Book, RuleSet
    from eco_credit.valuation import LenderBook


DEFAULT_TERM_MONTHS = 12
"""Term assumed when one pledge is appraised without a loan."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and what the decision log wants to know about it.

    Attributes:
        body: the answer as plain data.
        application_id: the application decided on.
        model_digest: digest of the model package.
        rules_hash: digest of the rules in force.
        contract: contract name, version and digest.
        features: SHA-256 of the row of features the model saw.
    """

    body: dict[str, Any]
    application_id: str
    model_digest: str
    rules_hash: str
    contract: str
    features: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One application to score.

    Attributes:
        raw: nested application of the contract ``application``, as sent.
        triple: package, rulebook and contract to use.
        decision_id: identifier the answer gets.
        held: what the lender holds already, or None without a book.
    """

    raw: Mapping[str, Any]
    triple: Triple
    decision_id: str
    held: LenderBook | None = None


class Pipeline(Protocol):
    """What the routes need; the tests put a simple one in its place to look at the plumbing alone."""

    def score(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        """Score applications; one result for each, in order: its answer, or what is wrong with it."""

    def appraise(self, raw: Mapping[str, Any], book: Book, held: LenderBook | None) -> dict[str, Any]:
        """Appraise the pledges of an application, or one pledge alone, beside what the lender holds."""

    def account(self, raw: Mapping[str, Any], rules: RuleSet) -> dict[str, Any]:
        """Draw up a GEP account."""


def contract_reference(name: str) -> str:
    """Name, version and digest of a contract, as it stands in a provenance."""
    from eco_credit.contracts import contract

    found = contract(name)
    return f"{found.name}@{found.version}#{found.digest[:16]}"


class House:
    """The pipeline of the house; imports the rooms below when first used."""

    def score(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        """Score applications in one pass for each model, book and rule day among them.

        Args:
            asks: the applications.

        Returns:
            One result for each, in order: the answer, or the error of this application alone, such as
            ``ContractError`` (a field breaks its contract) or ``RuleNotInForce`` (the rulebook has no
            value for its day).
        """
        from eco_credit.contracts import read_application

        results: list[Answer | Exception | None] = [None] * len(asks)
        groups: dict[tuple[int, int, str], list[_Read]] = {}
        for place, ask in enumerate(asks):
            try:
                data = read_application(ask.raw)
                groups.setdefault((id(ask.triple), id(ask.held), data["as_of"]), []).append(_Read(place, ask, data))
            except Exception as error:
                results[place] = error
        for group in groups.values():
            for read, result in zip(group, _alike(group), strict=True):
                results[read.place] = result
        return [result for result in results if result is not None]

    def appraise(self, raw: Mapping[str, Any], book: Book, held: LenderBook | None) -> dict[str, Any]:
        """Appraise the pledges of an application, or one pledge as ``{as_of, term_months, pledge}``.

        Raises:
            ContractError: a field breaks its contract.
            RuleNotInForce: the rulebook has no value for the day.
        """
        pledges = self._one_pledge(raw, book, held) if "pledge" in raw else self._all_pledges(raw, book, held)
        rules = book.at(str(raw["as_of"]))
        provenance = Provenance(
            contract=contract_reference("application"),
            rules_day=str(rules.day),
            rules_hash=rules.digest,
            overlay_hash=rules.overlay_digest,
            models=(),
            code_version=code_version(),
            input_hash=digest(dict(raw)),
            synthetic_model=False,
            book_hash=None if held is None else held.digest,
        )
        return {"as_of": raw["as_of"], "currency": "CNY", "pledges": pledges, "provenance": provenance.as_dict()}

    def _all_pledges(self, raw: Mapping[str, Any], book: Book, held: LenderBook | None) -> list[dict[str, Any]]:
        from eco_credit.contracts import flatten, read_application
        from eco_credit.scoring import appraise_applications, pledge_answers
        from eco_credit.valuation import EMPTY

        data = read_application(raw)
        rules = book.at(data["as_of"])
        return pledge_answers(appraise_applications(flatten([data]), rules, held or EMPTY), 0, details=True)

    def _one_pledge(self, raw: Mapping[str, Any], book: Book, held: LenderBook | None) -> list[dict[str, Any]]:
        from eco_credit.scoring.doors import application_around
        from serving.routes.shapes import OnePledge, read_shape

        term = read_shape(OnePledge, raw).get("term_months", DEFAULT_TERM_MONTHS)
        around = application_around(raw["pledge"], as_of=raw["as_of"], term_months=term)
        try:
            return self._all_pledges(around, book, held)
        except ContractError as error:
            raise ContractError(_renamed(v) for v in error.violations) from None

    def account(self, raw: Mapping[str, Any], rules: RuleSet) -> dict[str, Any]:
        """Draw up a GEP account from flows of one area and year.

        Raises:
            ContractError: a flow breaks its contract.
        """
        from serving.gep import account_answer

        return account_answer(raw, rules)


@dataclass(frozen=True, slots=True)
class _Read:
    """An application that passed its contract, and its place among the results."""

    place: int
    ask: Ask
    data: dict[str, Any]


def _alike(group: Sequence[_Read]) -> list[Answer | Exception]:
    """Score applications of one triple, book and day; if the pass breaks, each alone: one cannot spoil another."""
    try:
        return list(_pass(group))
    except Exception as error:
        return [error] if len(group) == 1 else [_alike([read])[0] for read in group]


def _pass(group: Sequence[_Read]) -> list[Answer]:
    from eco_credit.contracts import flatten
    from eco_credit.scoring import score_applications
    from eco_credit.valuation import EMPTY

    triple, held = group[0].ask.triple, group[0].ask.held or EMPTY
    rules = triple.book.at(group[0].data["as_of"])
    scored = score_applications(flatten([read.data for read in group]), rules, triple.package, held)
    bodies = [
        scored.answer(row, input_hash=sha256(finite_json(read.data)), decision_id=read.ask.decision_id)
        for row, read in enumerate(group)
    ]
    behind = triple.package.digest, rules.digest
    return [
        Answer(body, body["application_id"], *behind, body["provenance"]["contract"], seen)
        for body, seen in zip(bodies, scored.feature_digests(), strict=True)
    ]


def _renamed(found: Violation) -> Violation:
    """A violation inside the application made around a pledge, by the path the caller knows."""
    return Violation(found.field.replace("pledges[0]", "pledge", 1), found.rule, found.en, found.zh)
