"""What both papers share: head, foot, gates, conditions, the person's decision, the block to sign."""

from __future__ import annotations

from collections.abc import Sequence

from eco_credit.reports import formats
from eco_credit.reports.papers.paper import Block, Fact, Lines, Note, Paper, Part, Sign, Table, sourced
from eco_credit.reports.papers.record import Plain, View
from eco_credit.reports.sheet import worded

_HASH_SHOWN = 16


def paper(view: View, name: str, parts: Sequence[Part]) -> Paper:
    """A paper with the marks, head and foot that every page of it carries.

    Args:
        view: the record and the words.
        name: ``invest`` or ``decide``: whose words the title is from.
        parts: what stands in it.
    """
    t, answer = view.t, view.answer
    behind = answer["provenance"]
    foot = t(
        "paper.foot", advisory=t("banner.advisory"), models=view.models(), day=behind["rules_day"],
        rules=str(behind["rules_hash"])[:_HASH_SHOWN], input=str(behind["input_hash"])[:_HASH_SHOWN],
    )  # fmt: skip
    return Paper(
        title=t(f"{name}.title"), subtitle=t("paper.subtitle"), lang=view.lang, number=str(answer["decision_id"]),
        mark=mark(view), foot=foot, page=t("paper.page"), hand=t("paper.hand"), parts=tuple(parts),
        # an answer outside a log has no time of its own; its day gives the same bytes every time
        recorded_at=view.record.recorded_at or f"{answer['as_of']}T00:00:00Z",
    )  # fmt: skip


def mark(view: View) -> str:
    """What every page says when the model or the application is synthetic."""
    synthetic = view.answer["provenance"]["synthetic_model"] or view.record.application.get("synthetic")
    return view.t("paper.mark") if synthetic else ""


def warnings(view: View) -> list[Block]:
    """In full what the mark at the head of every page says in short."""
    said: list[Block] = []
    if view.answer["provenance"]["synthetic_model"]:
        said.append(Note(view.t("paper.synthetic_model"), warning=True))
    if view.record.application.get("synthetic"):
        said.append(Note(view.t("paper.synthetic_application"), warning=True))
    return said


def by_hand(view: View, *names: str) -> list[Fact]:
    """Labelled blanks for what the record cannot know."""
    return [Fact(view.t(f"paper.write.{name}"), "") for name in names]


def reasons(found: Sequence[Plain], view: View) -> list[tuple[str, ...]]:
    """Coded reasons as rows: side, words with code, points, and what can be done about them."""
    t = view.t
    rows: list[tuple[str, ...]] = []
    for one in found:
        said, points = worded(one, view.lang), one.get("points")
        harms = said["sign"] in ("gate", "adverse") if said["sign"] else float(points or 0.0) < 0
        side = t("reasons.harms") if harms else t("reasons.helps")
        rows.append((
            side, f"{said['text']} {said['code']}".strip(), "" if points is None else f"{float(points):+.1f}",
            said["action"] if harms else "",
        ))  # fmt: skip
    return rows


def reason_table(title: str, found: Sequence[Plain], view: View) -> Block:
    """The same as a table, or a note that there is nothing to say."""
    t, rows = view.t, reasons(found, view)
    if not rows:
        return Note(f"{title}{view.t('paper.colon')}{t('reasons.none')}")
    head = (t("paper.side"), t("paper.matter"), t("reasons.points"), t("reasons.action"))
    return Table(title, head, tuple(rows), (2, 8, 2, 8), (2,))


def conditions(view: View, stage: str) -> tuple[str, ...]:
    """Conditions of one stage in words; those without a stage stand with the ones before payout."""
    said = [worded(one, view.lang) for one in view.answer["conditions"]]
    found = [f"{one['text']} {one['code']}".strip() for one in said if (one["stage"] or "precedent") == stage]
    return tuple(found) or (view.t("paper.none"),)


def condition_lines(view: View) -> list[Block]:
    """Both lists of conditions."""
    return [Lines(view.t(f"paper.condition.{stage}"), conditions(view, stage)) for stage in ("precedent", "continuing")]


def opinion(view: View, code: str) -> str:
    """Recommendation or decision in the words of the decision sheet."""
    return view.t(f"recommendation.{code}")


def person(view: View) -> list[Block]:
    """What people decided: the last outcome stands, earlier ones are listed; or a note that none is recorded."""
    t, outcomes = view.t, view.record.outcomes
    if not outcomes:
        return [Note(t("paper.person.none"))]
    last = outcomes[-1]
    facts = [
        Fact(t("paper.person.decided"), opinion(view, last["decided"]), strong=True),
        Fact(t("paper.person.by"), str(last["decided_by"])),
        Fact(t("paper.person.time"), view.time(str(last.get("created_at") or ""))),
        Fact(t("paper.person.number"), str(last.get("outcome_id") or formats.UNKNOWN)),
        view.money(t("paper.person.amount"), last.get("amount"), strong=True),
        Fact(t("paper.person.rate"), view.number(last.get("annual_rate"), "ratio")),
        Fact(t("paper.person.reason"), str(last["reason"]), wide=True),
    ]
    said: list[Block] = [sourced(facts)]
    said = [*(Note(words, warning=True) for words in departures(last, view)), *said]
    earlier = tuple(_earlier(one, view) for one in outcomes[:-1])
    return [*said, Lines(t("paper.person.earlier"), earlier)] if earlier else said


def departures(outcome: Plain, view: View) -> list[str]:
    """Where a person's decision departs from what models and rules recommend: decision, amount, rate."""
    t, answer, found = view.t, view.answer, []
    if outcome["decided"] != answer["recommendation"]:
        words = (opinion(view, answer["recommendation"]), opinion(view, outcome["decided"]))
        found.append(t("paper.person.departs", recommended=words[0], decided=words[1]))
    amount, rate = outcome.get("amount"), outcome.get("annual_rate")
    if amount is not None and answer["max_loan"] is not None and amount > answer["max_loan"]:
        found.append(t("paper.person.above", limit=view.number(answer["max_loan"], "CNY"), unit=view.unit("CNY")))
    if rate is not None and answer["rate_floor"] is not None and rate < answer["rate_floor"]:
        found.append(t("paper.person.below", floor=view.number(answer["rate_floor"], "ratio")))
    return found


def _earlier(one: Plain, view: View) -> str:
    """An outcome that a later one replaced, in a line."""
    stamp = view.time(str(one.get("created_at") or ""))
    return f"{stamp} · {one['decided_by']} · {opinion(view, one['decided'])} · {one['reason']}"


def sign(view: View, title: str, roles: Sequence[str]) -> Sign:
    """A block to sign with role, opinion, signature and date."""
    t = view.t
    head = (t("sign.role"), t("sign.opinion"), t("sign.signature"), t("sign.date"))
    return Sign(title, head, tuple(roles))


def provenance(view: View) -> Block:
    """What stands behind the numbers: models with digest, rules, contract, code, input."""
    t, behind = view.t, view.answer["provenance"]
    models = ", ".join(f"{m['name']}/{m['version']} {m.get('digest', '')}".strip() for m in behind["models"])
    rows = [
        ("memo.decision", view.answer["decision_id"]), ("provenance.models", models),
        ("provenance.synthetic_model", t("provenance.yes" if behind["synthetic_model"] else "provenance.no")),
        ("provenance.rules_day", behind["rules_day"]), ("provenance.rules_hash", behind["rules_hash"]),
        ("provenance.overlay_hash", behind.get("overlay_hash")), ("provenance.book_hash", behind.get("book_hash")),
        ("provenance.contract", behind["contract"]), ("provenance.input_hash", behind["input_hash"]),
        ("provenance.code_version", behind["code_version"]),
    ]  # fmt: skip
    shown = tuple((t(name), str(value)) for name, value in rows if value)
    return Table(t("paper.behind"), (t("paper.item"), t("paper.content")), shown, (4, 16))
