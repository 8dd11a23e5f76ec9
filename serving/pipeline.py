"""The computations behind the routes: plain data in, plain data out, no HTTP and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from eco_credit.core.canonical import digest
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.provenance import Provenance, code_version
from serving.models import Triple

if TYPE_CHECKING:
    from eco_credit.rulebook import Book, RuleSet


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
    """

    body: dict[str, Any]
    application_id: str
    model_digest: str
    rules_hash: str
    contract: str


class Pipeline(Protocol):
    """What the routes need; the tests put a simple one in its place to look at the plumbing alone."""

    def score(self, raw: Mapping[str, Any], triple: Triple, decision_id: str) -> Answer:
        """Score one application."""

    def appraise(self, raw: Mapping[str, Any], book: Book) -> dict[str, Any]:
        """Appraise the pledges of an application, or one pledge alone."""

    def account(self, raw: Mapping[str, Any], rules: RuleSet) -> dict[str, Any]:
        """Draw up a GEP account."""


def contract_reference(name: str) -> str:
    """Name, version and digest of a contract, as it stands in a provenance."""
    from eco_credit.contracts import contract

    found = contract(name)
    return f"{found.name}@{found.version}#{found.digest[:16]}"


class House:
    """The pipeline of the house; imports the rooms below when first used."""

    def score(self, raw: Mapping[str, Any], triple: Triple, decision_id: str) -> Answer:
        """Score one application with one triple.

        Args:
            raw: nested application of the contract ``application``.
            triple: package, rulebook and contract to use.
            decision_id: identifier the answer gets.

        Raises:
            ContractError: a field breaks its contract.
            RuleNotInForce: the rulebook has no value for the day of the application.
        """
        from eco_credit.contracts import flatten, read_application
        from eco_credit.scoring import score_applications

        data = read_application(raw)
        rules = triple.book.at(data["as_of"])
        scored = score_applications(flatten([data]), rules, triple.package)
        body = scored.answer(0, input_hash=digest(data), decision_id=decision_id)
        return Answer(
            body, body["application_id"], triple.package.digest, rules.digest, body["provenance"]["contract"]
        )

    def appraise(self, raw: Mapping[str, Any], book: Book) -> dict[str, Any]:
        """Appraise the pledges of an application, or one pledge as ``{as_of, term_months, pledge}``.

        Raises:
            ContractError: a field breaks its contract.
            RuleNotInForce: the rulebook has no value for the day.
        """
        pledges = self._one_pledge(raw, book) if "pledge" in raw else self._all_pledges(raw, book)
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
        )
        return {"as_of": raw["as_of"], "currency": "CNY", "pledges": pledges, "provenance": provenance.as_dict()}

    def _all_pledges(self, raw: Mapping[str, Any], book: Book) -> list[dict[str, Any]]:
        from eco_credit.contracts import flatten, read_application
        from eco_credit.scoring import appraise_applications, pledge_answers

        data = read_application(raw)
        rules = book.at(data["as_of"])
        return pledge_answers(appraise_applications(flatten([data]), rules), 0)

    def _one_pledge(self, raw: Mapping[str, Any], book: Book) -> list[dict[str, Any]]:
        from eco_credit.scoring.doors import application_around
        from serving.routes.shapes import OnePledge, read_shape

        term = read_shape(OnePledge, raw).get("term_months", DEFAULT_TERM_MONTHS)
        around = application_around(raw["pledge"], as_of=raw["as_of"], term_months=term)
        try:
            return self._all_pledges(around, book)
        except ContractError as error:
            raise ContractError(_renamed(v) for v in error.violations) from None

    def account(self, raw: Mapping[str, Any], rules: RuleSet) -> dict[str, Any]:
        """Draw up a GEP account from flows of one area and year.

        Raises:
            ContractError: a flow breaks its contract.
        """
        from serving.gep import account_answer

        return account_answer(raw, rules)


def _renamed(found: Violation) -> Violation:
    """A violation inside the application made around a pledge, by the path the caller knows."""
    return Violation(found.field.replace("pledges[0]", "pledge", 1), found.rule, found.en, found.zh)
