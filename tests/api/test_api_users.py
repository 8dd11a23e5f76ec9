"""An administrator keeps the keys of the own tenant over the API: what the command does, and nothing of a case."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_service import body_of
from api_users import Bank, closed

from serving.access import Role
from serving.access.principal import Principal

ADMIN = Role.ADMIN


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with Bank(tmp_path / "home", web=True, failed_logins_per_minute=1000) as one:
        yield one


@pytest.fixture
def admin(bank: Bank) -> str:
    return bank.key(ADMIN, user="zhou")


def made(bank: Bank, admin: str, **asked: Any) -> Any:
    """The answer to a request for a key that is made."""
    answer = bank.post("/v1/users/keys", body_of({"user": "li", "roles": ["loan_officer"]} | asked), admin)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def rules(answer: httpx.Response) -> list[tuple[str, str]]:
    """Field and rule of each fault."""
    return [(one["field"], one["rule"]) for one in answer.json()["errors"]]


def test_a_key_is_made_shown_once_and_works_with_its_roles_and_the_makers_tenant(bank: Bank, admin: str) -> None:
    new = made(bank, admin, roles=["approver", "auditor"], expires="2027-06-30")
    assert (new["tenant"], new["user"], new["roles"]) == ("bank-a", "li", ["approver", "auditor"])
    assert (new["ends_at"], new["ends_by"], new["state"]) == ("2027-06-30T16:00:00Z", "expires", "live")
    assert bank.get("/v1/audit/chain", new["key"]).json()["tenant"] == "bank-a"
    assert bank.get("/v1/users/keys", new["key"]).status_code == 403
    listed = bank.get("/v1/users/keys", admin)
    secret = new["key"].split("_", 2)[2]
    assert secret not in listed.text
    assert bank.book.read()[new["key_id"]].opened_by(new["key"])
    for file in bank.home.iterdir():
        assert not file.is_file() or secret.encode() not in file.read_bytes()


def test_the_list_tells_who_made_what_when_and_when_it_was_last_used(bank: Bank, admin: str) -> None:
    new = made(bank, admin)
    before = {one["key_id"]: one for one in bank.get("/v1/users/keys", admin).json()["keys"]}
    assert before[new["key_id"]]["last_used_at"] is None
    assert before[admin.split("_")[1]]["last_used_at"] is not None
    begun = bank.now
    bank.get("/v1/models", new["key"])
    ended = bank.now
    after = {one["key_id"]: one for one in bank.get("/v1/users/keys", admin).json()["keys"]}
    assert begun <= datetime.fromisoformat(after[new["key_id"]]["last_used_at"]) <= ended
    wanted = {"key_id", "tenant", "user", "roles", "made_at", "ends_at", "state", "ends_by", "last_used_at"}
    assert set(after[new["key_id"]]) == wanted


def test_the_last_use_outlives_the_service_and_is_not_written_at_every_use(tmp_path: Path) -> None:
    with Bank(tmp_path / "home") as bank:
        key = bank.key(Role.AUDITOR)
        bank.get("/v1/models", key)
        bank.client.wait(0.3)
        first = bank.book.uses()[key.split("_")[1]]
        for _ in range(5):
            bank.get("/v1/models", key)
        bank.client.wait(0.3)
        assert bank.book.uses()[key.split("_")[1]] == first
    assert bank.book.uses()[key.split("_")[1]] > first


def test_a_key_is_revoked_at_once_and_once(bank: Bank, admin: str) -> None:
    new = made(bank, admin)
    assert bank.get("/v1/models", new["key"]).status_code == 200
    gone = bank.post(f"/v1/users/keys/{new['key_id']}/revoke", b"", admin)
    assert (gone.status_code, gone.json()["state"]) == (200, "revoked")
    assert bank.get("/v1/models", new["key"]).status_code == 401
    for act in ("revoke", "rotate"):
        again = bank.post(f"/v1/users/keys/{new['key_id']}/{act}", body_of({}), admin)
        assert (again.status_code, again.json()["type"]) == (409, "/problems/key_state")
        assert rules(again) == [("key_id", "ended")]


def test_a_key_is_replaced_and_the_old_one_ends_after_the_grace(bank: Bank, admin: str) -> None:
    old = made(bank, admin)
    answer = bank.post(f"/v1/users/keys/{old['key_id']}/rotate", body_of({"grace_hours": 2}), admin)
    new = answer.json()
    assert answer.status_code == 201
    assert (new["user"], new["roles"], new["replaces"]["key_id"]) == ("li", ["loan_officer"], old["key_id"])
    assert [bank.get("/v1/models", one["key"]).status_code for one in (old, new)] == [200, 200]
    twice = bank.post(f"/v1/users/keys/{old['key_id']}/rotate", body_of({}), admin)
    assert (twice.status_code, rules(twice)) == (409, [("key_id", "rotated")])
    bank.client.state.clock.now += timedelta(hours=2)
    assert [bank.get("/v1/models", one["key"]).status_code for one in (old, new)] == [401, 200]


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        *(({"user": n}, ("user", "pattern")) for n in ("Li", "李", "l\u0456", "", "a" * 64, "-li", "li/../x", "li ")),
        ({"user": 7}, ("user", "type")),
        ({"roles": []}, ("roles", "min_items")),
        ({"roles": ["root"]}, ("roles[0]", "code")),
        ({"roles": "admin"}, ("roles", "type")),
        ({"roles": ["admin", "auditor"]}, ("roles", "separate")),
        ({"expires": "2026-02-30"}, ("expires", "date")),
        ({"expires": "2020-01-01"}, ("expires", "future")),
        ({"tenant": "bank-b"}, ("tenant", "extra")),
        ({"key_id": "0" * 16}, ("key_id", "extra")),
        ({"user": "zhou"}, ("roles", "own")),
    ],
    ids=str,
)  # fmt: skip
def test_what_breaks_a_rule_makes_no_key(bank: Bank, admin: str, asked: dict[str, Any], rule: tuple[str, str]) -> None:
    body = {"user": "li", "roles": ["loan_officer"]} | asked
    refused = bank.post("/v1/users/keys", body_of(body), admin)
    assert (refused.status_code, rules(refused)) == (422, [rule])
    assert len(bank.book.read()) == 1


def test_an_administrator_may_replace_the_own_key_and_make_another_of_the_kind(bank: Bank, admin: str) -> None:
    assert made(bank, admin, user="zhou", roles=["admin"])["roles"] == ["admin"]
    answer = bank.post(f"/v1/users/keys/{admin.split('_')[1]}/rotate", body_of({}), admin)
    assert bank.get("/v1/users/keys", answer.json()["key"]).status_code == 200


@pytest.mark.parametrize("grace", [-1, 721, 1.5, "2", True])
def test_the_hours_of_grace_are_bounded(bank: Bank, admin: str, grace: Any) -> None:
    key_id = made(bank, admin)["key_id"]
    refused = bank.post(f"/v1/users/keys/{key_id}/rotate", body_of({"grace_hours": grace}), admin)
    assert refused.status_code == 422
    assert len(bank.book.read()) == 2


def test_keys_of_another_tenant_are_neither_shown_nor_touched_and_look_like_none(bank: Bank, admin: str) -> None:
    theirs = bank.key(Role.LOAN_OFFICER, tenant="bank-b", user="wu")
    key_id = theirs.split("_")[1]
    assert key_id not in bank.get("/v1/users/keys", admin).text
    for act in ("revoke", "rotate"):
        foreign = bank.post(f"/v1/users/keys/{key_id}/{act}", body_of({}), admin, x_request_id="r")
        missing = bank.post(f"/v1/users/keys/{'0' * 16}/{act}", body_of({}), admin, x_request_id="r")
        assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert bank.get("/v1/models", theirs).status_code == 200


def test_logins_of_guests_are_listed_for_their_tenant_and_can_be_ended(bank: Bank, admin: str) -> None:
    until = bank.now + timedelta(hours=8)
    for token, tenant in (("t-a", "bank-a"), ("t-b", "bank-b")):
        by = Principal(tenant, "chen", frozenset({Role.AUDITOR}))
        bank.book.open_guest(token, by, issuer="https://sso.example", now=bank.now, until=until)
    (mine,) = bank.get("/v1/users/keys", admin).json()["logins"]
    assert (mine["user"], mine["roles"]) == ("chen", ["auditor"])
    (theirs,) = bank.book.guests("bank-b", bank.now)
    assert bank.post(f"/v1/users/logins/{theirs.guest_id}/end", b"", admin).status_code == 404
    assert bank.book.visitor("t-b", bank.now, "https://sso.example") is not None
    ended = bank.post(f"/v1/users/logins/{mine['login_id']}/end", b"", admin)
    assert ended.json() == {"login_id": mine["login_id"], "ended": True}
    assert bank.book.visitor("t-a", bank.now, "https://sso.example") is None
    assert bank.post(f"/v1/users/logins/{mine['login_id']}/end", b"", admin).status_code == 404


def test_each_act_leaves_a_line_that_names_who_and_no_key(
    bank: Bank, admin: str, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("eco_credit.access").propagate = True
    caplog.set_level(logging.INFO, "eco_credit.access")
    new = made(bank, admin)
    bank.post(f"/v1/users/keys/{new['key_id']}/rotate", body_of({}), admin)
    bank.post(f"/v1/users/keys/{new['key_id']}/revoke", b"", admin)
    bank.get("/v1/users/keys", bank.key(Role.AUDITOR))
    told = [r.getMessage() for r in caplog.records if r.name == "eco_credit.access"]
    lines = [json.loads(one) for one in told]
    assert [one["event"] for one in lines] == [
        "read", "key_made", "read", "key_rotated", "read", "key_revoked", "forbidden"
    ]  # fmt: skip
    assert {one["key_id"] for one in lines[:-1]} == {admin.split("_")[1]}
    assert lines[1]["object"] == lines[3]["object"] == lines[5]["object"]
    assert new["key"] not in "".join(told) and "zhou" not in "".join(told)


def test_without_a_line_no_key_is_made(bank: Bank, admin: str) -> None:
    (bank.home / "log.key").write_bytes(b"short")
    refused = bank.post("/v1/users/keys", body_of({"user": "li", "roles": ["auditor"]}), admin)
    assert refused.status_code == 503
    assert len(bank.book.read()) == 1


def test_an_open_service_makes_no_key_that_would_outlast_it(bank: Bank) -> None:
    bank.client.state.settings = closed(bank.home).model_copy(update={"access": "open"})
    assert bank.get("/v1/users/keys").status_code == 200
    assert bank.post("/v1/users/keys", body_of({"user": "li", "roles": ["admin"]})).status_code == 403
    assert bank.book.read() == {}


def test_an_administrator_sees_no_case_anywhere_in_these_answers(bank: Bank, admin: str) -> None:
    officer = made(bank, admin)
    scored = bank.post("/v1/scores", body_of({"amount": 4}), officer["key"], idempotency_key="k").json()
    told = bank.get("/v1/users/keys", admin).text
    assert scored["decision_id"] not in told and "max_loan" not in told
    assert bank.get(f"/v1/decisions/{scored['decision_id']}", admin).status_code == 403


@pytest.mark.parametrize("number", ["%00", "..", "x" * 3000, "%F0%9F%94%91", "' OR 1=1 --", "0" * 15, "%2e%2e%2f"])
def test_what_is_no_number_of_a_key_or_login_is_not_found(bank: Bank, admin: str, number: str) -> None:
    for path in (f"keys/{number}/revoke", f"keys/{number}/rotate", f"logins/{number}/end"):
        answer = bank.post(f"/v1/users/{path}", body_of({}), admin)
        assert answer.status_code in (404, 405), path
        assert bank.get("/v1/users/keys", admin).status_code == 200
