"""``eco-credit users`` and the address ``eco-credit serve`` may listen on, as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eco_credit.core.errors import ContractError
from eco_credit.registry import Store
from serving.access import Role
from serving.access.keybook import SqlKeyBook
from serving.server import check_reach
from serving.settings import Settings

PROGRAM = "import sys; from serving.cli import main; sys.argv[0] = 'eco-credit'; main()"


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a store."""
    command = [sys.executable, "-c", PROGRAM, *words, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])


def told(home: Path, *words: str) -> Any:
    """The JSON answer of a command that does what it is asked."""
    done = run(home, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_approver_is_enrolled_under_user_and_tenant_with_one_key(tmp_path: Path) -> None:
    first = told(tmp_path, "users", "enrol", "wang", "--tenant", "bank-a")
    assert first["owner"] == "wang@bank-a" and told(tmp_path, "users", "enrol", "wang", "--tenant", "bank-a") == first
    trusted = Store(tmp_path).trusted()
    assert {name: (key.owner, key.roles) for name, key in trusted.items()} == {
        first["key_id"]: ("wang@bank-a", ("approver",))
    }
    assert run(tmp_path, "users", "enrol", "Wang Fang", "--tenant", "bank-a").returncode == 3


def test_a_key_is_made_listed_rotated_and_revoked(tmp_path: Path) -> None:
    made = told(tmp_path, "users", "add", "li", "--tenant", "bank-a", "--role", "auditor", "--role", "approver")
    book = SqlKeyBook(tmp_path / "users.db")
    kept = book.read()[made["key_id"]]
    assert kept.opened_by(made["key"]) and kept.roles == {Role.AUDITOR, Role.APPROVER}
    new = told(tmp_path, "users", "rotate", made["key_id"], "--grace", "3")
    end = datetime.fromisoformat(new["replaces"]["ends_at"])
    assert timedelta(hours=2.9) < end - datetime.now(UTC) <= timedelta(hours=3)
    gone = told(tmp_path, "users", "revoke", new["key_id"])
    assert gone["state"] == "revoked"
    listed = run(tmp_path, "users", "list", "--json")
    # both may have been made within one second, which leaves their order open
    states = {k["key_id"]: k["state"] for k in json.loads(listed.stdout)["keys"]}
    assert states == {made["key_id"]: "live", new["key_id"]: "revoked"}
    for key in (made["key"], new["key"]):
        assert key.split("_", 2)[2] not in listed.stdout + listed.stderr


def test_a_key_lasts_to_the_end_of_its_day_in_beijing(tmp_path: Path) -> None:
    made = told(tmp_path, "users", "add", "li", "--tenant", "b", "--role", "auditor", "--expires", "2999-12-31")
    assert made["ends_at"] == "2999-12-31T16:00:00Z"  # 24:00 in Beijing, 8 h ahead of UTC


@pytest.mark.parametrize(
    ("words", "field", "rule"),
    [
        (("add", "Li", "--tenant", "b", "--role", "admin"), "NAME", "pattern"),
        (("add", "李", "--tenant", "b", "--role", "admin"), "NAME", "pattern"),
        (("add", "li", "--tenant", "../b", "--role", "admin"), "--tenant", "pattern"),
        (("add", "li", "--tenant", "b" * 64, "--role", "admin"), "--tenant", "pattern"),
        (("add", "li", "--tenant", "b", "--role", "admin", "--expires", "2026-02-30"), "--expires", "date"),
        (("add", "li", "--tenant", "b", "--role", "admin", "--expires", "2020-01-01"), "--expires", "future"),
        (("revoke", "0" * 16), "KEY_ID", "unknown"),
        (("rotate", "0" * 16), "KEY_ID", "unknown"),
    ],
)
def test_what_cannot_be_done_is_refused_by_field_and_rule(
    tmp_path: Path, words: tuple[str, ...], field: str, rule: str
) -> None:
    done = run(tmp_path, "users", *words, "--json")
    (error,) = json.loads(done.stdout)["errors"]
    assert (done.returncode, error["field"], error["rule"]) == (3, field, rule)
    assert error["zh"] and error["en"] and "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("add", "li", "--tenant", "b"), ("add", "li", "--tenant", "b", "--role", "root")])
def test_a_role_must_be_named_and_known(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(tmp_path, "users", *words).returncode == 2


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "bank.example", ""])
def test_an_address_that_others_can_reach_asks_for_keys(tmp_path: Path, host: str) -> None:
    for access in ("auto", "open"):
        with pytest.raises(ContractError, match="ECO_CREDIT_ACCESS=keys"):
            check_reach(Settings(home=tmp_path, access=access), host)
    check_reach(Settings(home=tmp_path, access="keys"), host)
    for near in ("127.0.0.1", "::1", "localhost"):
        check_reach(Settings(home=tmp_path, access="auto"), near)


def test_the_command_refuses_to_serve_others_before_it_builds_anything(tmp_path: Path) -> None:
    done = run(tmp_path / "none", "serve", "--host", "0.0.0.0", "--json")
    (error,) = json.loads(done.stdout)["errors"]
    assert (done.returncode, error["rule"]) == (3, "loopback")
    assert "其他机器" in error["zh"]
    assert not (tmp_path / "none").exists()
