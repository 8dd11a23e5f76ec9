"""Erasing a person from a decision log: who may, when, and what is recorded about it.

Source:
    Personal Information Protection Law article 47: erase on its grounds, but while a period of another law runs stop
    all processing beside storage and protection instead; Anti-Money Laundering Law for that period.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.dates import BEIJING
from eco_credit.core.errors import ContractError, GateNotMet, Violation
from eco_credit.core.provenance import code_version
from eco_credit.core.units import MONTHS_PER_YEAR
from serving.settings import Settings
from serving.subject_keys import keys_of

if TYPE_CHECKING:
    from eco_credit.rulebook import RuleSet
    from serving.audit import Entry, Recorded
    from serving.audit.erasing import Held

CONTRACT = "erasure"
ROUTE = "audit erase"


@dataclass(frozen=True, slots=True)
class Order:
    """An erasure that is asked for.

    Attributes:
        tenant: whose log.
        subject: identity or licence number, as it stands in the applications.
        said: fields of the contract ``erasure``.
    """

    tenant: str
    subject: str
    said: dict[str, Any]


@dataclass
class _Look:
    """What an erasure finds, and whether it may go on."""

    order: Order
    rules: RuleSet
    dry_run: bool
    found: dict[str, Any] = field(default_factory=dict)

    def __call__(self, held: Held) -> Entry | None:
        until = self._kept_until(held)
        within = self.order.said["reason"] in self.rules["credit.personal.erase_within"]
        may = held.key is not None and (within or until is None or self.rules.day >= until)
        self.found = {
            "sequences": [one.sequence for one in held.records],
            "plain_sequences": list(held.plain),
            "kept_until": None if until is None else str(until),
            "may": may,
        }
        if held.key is None:
            self._refuse_unknown(held)
            return None
        if not may and not self.dry_run:
            raise GateNotMet(
                f"the retention period runs until {until}; only a reason that allows it may erase before",
                f"保存期限至 {until} 届满，此前仅限规则列明的原因可删除",
            )
        return None if self.dry_run else self._entry(held.key.key_id)

    def _refuse_unknown(self, held: Held) -> None:
        """Say so where the log knows nobody of that number."""
        if not self.dry_run and not held.plain:
            en, zh = "this log holds no key of that person", "记录库中没有该主体的密钥"
            raise ContractError([Violation("--subject", "unknown", en, zh)])

    def _kept_until(self, held: Held) -> dt.date | None:
        """The day the retention period ends: years after the end of the last loan, or of the relationship."""
        scores = [one for one in held.records if one.entry.kind == "score"]
        if not scores:
            return None
        said = self.order.said.get("ended_on")
        ended = dt.date.fromisoformat(said) if said else max(_runs_to(one) for one in scores)
        years = self.rules.number("credit.personal.retention_years")
        return months_later(ended, round(years * MONTHS_PER_YEAR))

    def _entry(self, key_id: str) -> Entry:
        from serving.audit import Entry, derived
        from serving.decide import new_id
        from serving.pipeline import contract_reference

        erasure_id, request = new_id("e"), canonical_json(self.order.said)
        kept = {name: self.found[name] for name in ("sequences", "kept_until")}
        answer = {"erasure_id": erasure_id, "key_id": key_id, **self.order.said, **kept}
        return Entry(
            tenant=self.order.tenant, by_user=self.order.said["by"], by_roles="", decision_id=erasure_id,
            kind="erasure", about=None, application_id="", route=ROUTE, idempotency_key=None, request=request,
            request_hash=sha256(request), answer=canonical_json(answer), model_digest="",
            rules_hash=self.rules.digest, contract=contract_reference(CONTRACT), code_version=code_version(),
            **derived(answer),
        )  # fmt: skip


def months_later(day: dt.date, months: int) -> dt.date:
    """The same day so many months later, the last of its month where there is no such day.

    Example:
        >>> str(months_later(dt.date(2024, 2, 29), 12)), str(months_later(dt.date(2026, 11, 30), 3))
        ('2025-02-28', '2027-02-28')
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _runs_to(score: Recorded) -> dt.date:
    """The day the loan of an application would run out."""
    import json

    request = json.loads(score.entry.request)
    return months_later(dt.date.fromisoformat(request["as_of"]), int(request["loan"]["term_months"]))


def needs_second(settings: Settings) -> bool:
    """True unless nobody has to say who they are: the demo, or a service told to be open."""
    if settings.access == "auto":
        return not (settings.demo or (settings.home / "demo.json").is_file())
    return settings.access == "keys"


def checked(settings: Settings, said: dict[str, Any]) -> dict[str, Any]:
    """The fields of an order, checked against their contract.

    Raises:
        ContractError: a field breaks the contract, or a second person is needed.
    """
    from eco_credit.contracts import read_record

    found = read_record(CONTRACT, {name: value for name, value in said.items() if value is not None})
    if (needs_second(settings) and "second" not in found) or found.get("second") == found["by"]:
        en, zh = "a second person must agree", "须由另一人复核"
        raise ContractError([Violation("--second", "four_eyes", en, zh)])
    return found


def erase_person(
    settings: Settings, order: Order, *, clock: Callable[[], dt.datetime], dry_run: bool = False
) -> dict[str, Any]:
    """Delete the key of a person, or only say what that would do.

    Args:
        settings: name the log and the key file.
        order: who, and why.
        clock: gives the UTC time.
        dry_run: change nothing.

    Returns:
        Sequence numbers of the records that cannot be read any more, of those in plain that no key can erase, the
        end of the retention period, and the record of the erasure.

    Raises:
        ContractError: nobody of that number has a key here, or no key file is named.
        GateNotMet: the retention period still runs and the reason does not allow it.
        StorageUnavailable: the log cannot be written, or the role may not erase.
    """
    from eco_credit.contracts import folded_subject
    from eco_credit.rulebook import load
    from serving.audit.erasing import erase, forget_deleted, statements_of
    from serving.audit.vault import Vault

    source, address = keys_of(settings), settings.decisions_address
    if source is None:
        en, zh = "nothing is sealed: no key file is named", "未指定密钥文件，记录未加密"
        raise ContractError([Violation("ECO_CREDIT_SUBJECT_KEY_FILE", "missing", en, zh)])
    today = clock().astimezone(BEIJING).date()
    look = _Look(order, load(settings.overlay).at(str(today)), dry_run)
    vault, subject = Vault(statements_of(address), source), folded_subject("application", order.subject)
    made = erase(address, vault, order.tenant, subject, asked=look, clock=clock)
    found = {"tenant": order.tenant, "dry_run": dry_run, "erased": made is not None, **look.found}
    if made is None:
        return found
    place = {"erasure_id": made.entry.decision_id, "sequence": made.sequence, "hash": made.hash}
    return found | place | {"write_ahead_log_emptied": forget_deleted(address)}
