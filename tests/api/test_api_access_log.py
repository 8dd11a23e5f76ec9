"""Who read what leaves a line before anything is shown; secrets and identifiers are in no line, figure or error."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from api_service import body_of
from api_users import Bank, claims_of, issuer_of, token

from serving.access import Role
from serving.access.log import FIELDS, access_logger, hashed, log_key, send_lines

D = "d-" + "0" * 26


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with Bank(tmp_path / "home", web=True, **issuer_of(tmp_path)) as one:
        yield one


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    logger = logging.getLogger("eco_credit.access")
    logger.propagate = True
    caplog.set_level(logging.INFO, "eco_credit.access")
    return caplog


def read(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """The lines left so far."""
    return [json.loads(r.getMessage()) for r in caplog.records if r.name == "eco_credit.access"]


def test_an_auditors_reading_leaves_a_line_that_names_the_key_and_not_the_case(
    bank: Bank, lines: pytest.LogCaptureFixture
) -> None:
    officer, auditor = bank.key(Role.LOAN_OFFICER), bank.key(Role.AUDITOR, user="auditor-zhao")
    made = bank.post("/v1/scores", body_of({"amount": 4}), officer, idempotency_key="k").json()["decision_id"]
    assert read(lines) == []  # what is recorded needs no line
    assert bank.get(f"/v1/decisions/{made}", auditor, x_request_id="r-7").status_code == 200
    (line,) = read(lines)
    assert line.keys() == FIELDS
    key_id = auditor.split("_")[1]
    told = (line["event"], line["key_id"], line["tenant"], line["roles"], line["request_id"], line["method"])
    assert told == ("read", key_id, "bank-a", ["auditor"], "r-7", "GET")
    assert line["route"] == "/v1/decisions/{decision_id}"
    assert line["object"] == hashed(log_key(bank.home), made)
    assert made not in str(line) and "zhao" not in str(line)


def test_a_reading_that_finds_nothing_and_one_that_is_refused_leave_lines_too(
    bank: Bank, lines: pytest.LogCaptureFixture
) -> None:
    assert bank.get(f"/v1/decisions/{D}", bank.key(Role.AUDITOR)).status_code == 404
    assert bank.get(f"/v1/decisions/{D}", bank.key(Role.ADMIN)).status_code == 403
    assert bank.get(f"/decisions/{D}/memo", bank.key(Role.AUDITOR)).status_code == 404
    assert [line["event"] for line in read(lines)] == ["read", "forbidden", "read"]


def test_the_same_thing_has_the_same_hash_in_one_store_only(tmp_path: Path) -> None:
    key = log_key(tmp_path / "a")
    assert hashed(key, D) == hashed(log_key(tmp_path / "a"), D) != hashed(log_key(tmp_path / "b"), D)
    assert (tmp_path / "a" / "log.key").stat().st_mode & 0o077 == 0


def test_without_a_line_nothing_is_shown(bank: Bank) -> None:
    bank.home.mkdir(exist_ok=True)
    (bank.home / "log.key").write_bytes(b"short")
    refused = bank.get(f"/v1/decisions/{D}", bank.key(Role.AUDITOR))
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/storage_unavailable")


def test_a_field_that_is_not_on_the_list_is_dropped(lines: pytest.LogCaptureFixture) -> None:
    access_logger().info("read", tenant="bank", id_no="330102199001011234", Authorization="Bearer x")
    assert read(lines) == [{"event": "read", "tenant": "bank"}]


def test_lines_go_to_a_private_file_where_one_is_named(tmp_path: Path) -> None:
    logger = logging.getLogger("eco_credit.access")
    before = logger.handlers[:], logger.propagate, logger.level
    try:
        send_lines(tmp_path / "access.jsonl")
        access_logger().info("read", tenant="bank")
        assert json.loads((tmp_path / "access.jsonl").read_text()) == {"event": "read", "tenant": "bank"}
        assert (tmp_path / "access.jsonl").stat().st_mode & 0o077 == 0
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers[:], logger.propagate = before[0], before[1]
        logger.setLevel(before[2])


def test_no_key_token_or_cookie_occurs_in_logs_figures_errors_or_files(
    bank: Bank, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("eco_credit.access").propagate = True
    live, gone = bank.key(Role.LOAN_OFFICER), bank.key(Role.AUDITOR)
    bank.book.end(gone.split("_")[1], why="revoked", at=bank.now, now=bank.now)
    good, bad = token(claims_of(bank.now)), token(claims_of(bank.now), b"x" * 32)
    form = urlencode({"key": live}).encode()
    entered = bank.post("/login", form, content_type="application/x-www-form-urlencoded")
    cookie = entered.headers["set-cookie"].partition("=")[2].partition(";")[0]
    unknown = f"eck_{'0' * 16}_{'S' * 43}"
    told = ""
    for secret in (live, gone, good, bad, unknown, cookie):
        for path in ("/v1/models", f"/v1/decisions/{D}", "/v1/rules?day=x", "/", f"/decisions/{D}", "/v1/nothing"):
            for headers in ({"authorization": f"Bearer {secret}"}, {"cookie": f"__Host-eco_credit={secret}"}):
                answer = bank.client.get(path, **headers)
                told += answer.text + str(answer.headers)
        told += bank.post("/v1/scores", b"{", secret, idempotency_key="k").text
        told += bank.post("/login", urlencode({"key": secret + "x"}).encode(), content_type="text/x").text
    told += bank.get("/metrics").text + caplog.text + "".join(capfd.readouterr())
    for file in bank.home.rglob("*"):
        told += file.read_bytes().decode("latin-1") if file.is_file() else ""
    secrets = {"cookie": cookie, "good": good, "bad": bad, "claims": good.split(".")[1], "mac": bad.split(".")[2]}
    secrets |= {"live": live, "gone": gone, "unknown": unknown, "secret": live.split("_", 2)[2]}
    assert [name for name, secret in secrets.items() if secret in told] == []
