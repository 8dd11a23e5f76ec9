"""Each route for each role: let in or turned away, as the table here says; written out, not read from the code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_service import body_of
from api_users import Bank
from test_api_access import OPEN_TO_ALL, routes_of

from serving.access import PERMISSIONS, Permission, Role

ROLES = dict(
    zip(
        "OMPGUA",
        (
            Role.LOAN_OFFICER, Role.RISK_MODELLER, Role.APPROVER, Role.GUARANTEE_AGENCY, Role.AUDITOR, Role.ADMIN
        ),
        strict=True,
    )
)  # fmt: skip
"""Letters of the table below: loan Officer, risk Modeller, aPprover, Guarantee agency, aUditor, Admin."""
D = "d-" + "0" * 26
TABLE = {
    ("POST", "/v1/scores"): "O..G..",
    ("GET", "/v1/decisions"): "O.PGU.",
    ("GET", "/v1/decisions/{decision_id}"): "O.PGU.",
    ("POST", "/v1/decisions/{decision_id}/outcome"): "O.P...",
    ("POST", "/v1/appraisals"): "OM.G..",
    ("POST", "/v1/appraisals/report"): "OM.G..",
    ("POST", "/v1/gep/accounts"): "OM.G..",
    ("GET", "/v1/audit/chain"): "....U.",
    ("GET", "/v1/audit/replay/{decision_id}"): "....U.",
    ("POST", "/v1/jobs"): "...G..",
    ("GET", "/v1/jobs"): "...G..",
    ("GET", "/v1/jobs/{job_id}"): "...G..",
    ("GET", "/v1/jobs/{job_id}/report"): "...G..",
    ("GET", "/v1/jobs/{job_id}/{file}"): "...G..",
    ("POST", "/v1/jobs/{job_id}/cancel"): "...G..",
    ("GET", "/v1/models"): "OMPGUA",
    ("GET", "/v1/models/shadow"): ".MP.U.",
    ("GET", "/v2"): "OMPGUA",
    ("GET", "/v2/models/{name}"): "OMPGUA",
    ("GET", "/v2/models/{name}/ready"): "OMPGUA",
    ("POST", "/v2/models/{name}/infer"): ".MP.U.",
    ("GET", "/v1/contracts/{name}"): "OMPGUA",
    ("GET", "/v1/rules"): "OMPGUA",
    ("GET", "/"): "OMPGUA",
    ("GET", "/apply/{kind}"): "O..G..",
    ("POST", "/apply/{kind}"): "O..G..",
    ("GET", "/apply/{kind}/template.xlsx"): "O..G..",
    ("POST", "/apply/{kind}/upload"): "O..G..",
    ("POST", "/apply/{kind}/check"): "O..G..",
    ("GET", "/papers/{kind}"): "OMPGUA",
    ("GET", "/audit"): "....U.",
    ("GET", "/v1/users/keys"): ".....A",
    ("POST", "/v1/users/keys"): ".....A",
    ("POST", "/v1/users/keys/{key_id}/rotate"): ".....A",
    ("POST", "/v1/users/keys/{key_id}/revoke"): ".....A",
    ("POST", "/v1/users/logins/{login_id}/end"): ".....A",
    ("GET", "/users"): ".....A",
    ("POST", "/users"): ".....A",
    ("POST", "/users/keys/{key_id}/rotate"): ".....A",
    ("POST", "/users/keys/{key_id}/revoke"): ".....A",
    ("POST", "/users/logins/{login_id}/end"): ".....A",
    ("GET", "/models"): ".MP.U.",
    ("GET", "/models/{alias}"): ".MP.U.",
    ("GET", "/models/{alias}/card"): ".MP.U.",
    ("GET", "/models/drift"): ".MP.U.",
    ("GET", "/models/drift/{kept}"): ".MP.U.",
    ("GET", "/models/registered"): ".MP.U.",
    ("GET", "/models/proposals/{number}"): ".MP.U.",
    ("POST", "/models/propose"): ".M....",
    ("POST", "/models/promote"): "..P...",
    ("POST", "/models/rollback"): "..P...",
    ("GET", "/jobs"): "...G..",
    ("POST", "/jobs"): "...G..",
    ("GET", "/jobs/{job_id}/line"): "...G..",
    ("GET", "/jobs/{job_id}/{file}"): "...G..",
    ("POST", "/jobs/{job_id}/cancel"): "...G..",
    ("POST", "/decisions/{decision_id}/outcome"): "O.P...",
    ("GET", "/decisions"): "O.PGU.",
    ("GET", "/decisions/{decision_id}"): "O.PGU.",
    ("GET", "/decisions/{decision_id}/memo"): "O.PGU.",
    ("GET", "/decisions/{decision_id}/memo.pdf"): "O.PGU.",
    ("GET", "/decisions/{decision_id}/sheet"): "O.PGU.",
    ("GET", "/decisions/{decision_id}/sheet.pdf"): "O.PGU.",
    ("GET", "/decisions/{decision_id}/appraisal"): "O.PGU.",
}
"""Who may call what; a point turns away."""
CASES = [(method, path, letter) for method, path in TABLE for letter in ROLES]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with Bank(tmp_path_factory.mktemp("roles") / "home", web=True, failed_logins_per_minute=1000) as one:
        yield one


@pytest.fixture(scope="module")
def keys(bank: Bank) -> dict[str, str]:
    """A key of each role, and one of nobody's."""
    made = {letter: bank.key(role, user=role.value) for letter, role in ROLES.items()}
    return made | {"": bank.key(user="nobody")}


def status(bank: Bank, method: str, path: str, key: str | None) -> int:
    """The answer to a request that a caller with the right role would get past the guard with."""
    address = path.replace("{decision_id}", D).replace("{name}", "application").replace("{kind}", "order")
    address = address.replace("{job_id}", "j-" + "0" * 26).replace("{file}", "result")
    address = address.replace("{key_id}", "0" * 16).replace("{login_id}", "0" * 16)
    if method == "GET":
        return bank.get(address, key).status_code
    return bank.post(address, body_of({}), key, idempotency_key="k").status_code


@pytest.mark.parametrize(("method", "path", "letter"), CASES, ids=lambda value: str(value))
def test_a_role_gets_past_the_guard_of_a_route_as_the_table_says(
    bank: Bank, keys: dict[str, str], method: str, path: str, letter: str
) -> None:
    found = status(bank, method, path, keys[letter])
    if letter in TABLE[method, path]:
        assert found not in (303, 401, 403, 429) or (path == "/decisions" and found == 303)
    else:
        assert found == 403


@pytest.mark.parametrize(("method", "path"), TABLE, ids=lambda value: str(value))
def test_nobody_and_strangers_get_past_no_guard(bank: Bank, keys: dict[str, str], method: str, path: str) -> None:
    assert status(bank, method, path, keys[""]) == 403
    page = not path.startswith(("/v1/", "/v2"))
    assert status(bank, method, path, None) == (303 if page and method == "GET" else 401)
    assert status(bank, method, path, f"eck_{'0' * 16}_{'A' * 43}") == (303 if page and method == "GET" else 401)


def test_the_table_holds_every_route_that_is_not_open_to_all(bank: Bank) -> None:
    found = {
        (method, route.path)
        for route in routes_of(bank.client.app.routes)
        for method in route.methods - {"HEAD"}
        if route.path not in OPEN_TO_ALL
    }
    assert found == set(TABLE)


def test_two_roles_may_do_what_either_may(bank: Bank) -> None:
    key = bank.key(Role.RISK_MODELLER, Role.AUDITOR)
    assert status(bank, "POST", "/v1/appraisals", key) not in (401, 403)
    assert status(bank, "GET", "/v1/decisions/{decision_id}", key) == 404
    assert status(bank, "POST", "/v1/scores", key) == 403


def test_a_refused_request_is_not_read_and_leaves_nothing(bank: Bank, keys: dict[str, str]) -> None:
    before = len(bank.client.records())
    for letter in "MPUA":
        assert bank.post("/v1/scores", b"\xff not json", keys[letter], content_type="text/x").status_code == 403
    assert len(bank.client.records()) == before


def test_the_page_for_people_shows_the_table_of_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "access.md").read_text("utf-8")
    head = next(line for line in page.splitlines() if line.startswith("| role |"))
    names = [cell.strip() for cell in head.strip("|").split("|")][2:]
    assert {*names, "catalogue"} == {permission.value for permission in Permission}
    for role in Role:
        line = next(line for line in page.splitlines() if line.startswith(f"| `{role}` |"))
        ticks = [cell.strip() for cell in line.strip("|").split("|")][2:]
        ticked = {name for name, tick in zip(names, ticks, strict=True) if tick}
        assert ticked | {"catalogue"} == {permission.value for permission in PERMISSIONS[role]}, role
