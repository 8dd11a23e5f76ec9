"""Jobs: a file goes in, a result comes out; nobody sees another's; a stop of the service loses nothing."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from api_service import Client, Ticking
from api_users import Bank, bearing, closed
from small_store import add_model

from eco_credit.contracts import example_application, read_application, to_flat
from serving.access import Role
from serving.access.keybook import SqlKeyBook
from serving.app import create_app
from serving.batch import run_batch
from serving.batch.scorer import ServedScorer
from serving.jobs.store import JobStore
from serving.settings import Settings

PARQUET = "application/vnd.apache.parquet"


def rows(count: int, *, broken: int = 0) -> bytes:
    """So many applications of one pledge each as parquet; the first ``broken`` have no term."""
    base = to_flat([read_application(example_application(kind)) for kind in ("forest_right", "water_right", "order")])
    at = np.arange(count) % len(base["application_id"])
    columns: dict[str, Any] = {name: column[at] for name, column in base.items()}
    columns["application_id"] = np.array([f"A{number:06d}" for number in range(count)], dtype=object)
    columns["term_months"] = columns["term_months"].copy()
    columns["term_months"][:broken] = 999.0
    sink = io.BytesIO()
    arrays = {name: pa.array(column, from_pandas=True) for name, column in columns.items()}
    pq.write_table(pa.table(arrays), sink)
    return sink.getvalue()


class Agency:
    """A running service on a store with a small model, and keys of two agencies."""

    def __init__(self, home: Path, **more: Any) -> None:
        self.home = home
        self.book = SqlKeyBook(home / "users.db")
        settings = Settings(**(closed(home, web=True).model_dump() | {"login": closed(home).login} | more))
        self.client = Client(create_app(settings, clock=Ticking()))

    def __enter__(self) -> Agency:
        self.client.__enter__()
        self.client.wait_for(lambda: bool(self.client.state.champions.ready))
        return self

    def __exit__(self, *details: Any) -> None:
        self.client.__exit__(*details)

    def key(self, tenant: str) -> str:
        now = self.client.state.clock.now
        return self.book.add("zhao", tenant=tenant, roles=[Role.GUARANTEE_AGENCY], now=now, expires=None)[1]

    def send(self, key: str, raw: bytes, *, path: str = "/v1/jobs", idem: str = "k1", media: str = PARQUET) -> Any:
        return self.client.post(path, raw, content_type=media, idempotency_key=idem, **bearing(key))

    def get(self, key: str, path: str) -> Any:
        return self.client.get(path, **bearing(key))

    def until(self, key: str, job_id: str, *states: str, seconds: float = 60.0) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def there() -> bool:
            found.update(self.get(key, f"/v1/jobs/{job_id}").json())
            return found["state"] in states

        self.client.wait_for(there, seconds)
        return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_model(tmp_path_factory.mktemp("jobs") / "home").home


@pytest.fixture(scope="module")
def agency(home: Path) -> Iterator[Agency]:
    with Agency(home) as one:
        yield one


def test_a_job_gives_the_bytes_of_the_command_line(agency: Agency, home: Path, tmp_path: Path) -> None:
    key, raw = agency.key("t-bytes"), rows(12, broken=1)
    begun = agency.send(key, raw)
    assert begun.status_code == 202 and begun.headers["location"] == f"/v1/jobs/{begun.json()['job_id']}"
    job_id = begun.json()["job_id"]
    ended = agency.until(key, job_id, "complete", "failed")
    assert ended["state"] == "complete", ended
    assert ended["counts"] == {"rows": 12, "scored": 11, "rejected": 1, "chunks": 1}
    (tmp_path / "in.parquet").write_bytes(raw)
    run_batch(tmp_path / "in.parquet", tmp_path / "out.parquet", scorer=ServedScorer(home))
    for name, file in (("result", "out.parquet"), ("rejects", "out.rejects.parquet")):
        answer = agency.get(key, ended["links"][name])
        assert answer.status_code == 200 and answer.content == (tmp_path / file).read_bytes()
        assert f'filename="{job_id}.{name}.parquet"' in answer.headers["content-disposition"]
    report = agency.get(key, ended["links"]["report"] + "?lang=en")
    assert "Batch run report" in report.text and report.headers["content-language"] == "en"
    assert not list((home / "jobs").glob("*/*/input.*"))  # personal data is gone when the job has ended


def test_an_agency_sees_its_own_jobs_only(agency: Agency) -> None:
    own, other = agency.key("t-one"), agency.key("t-two")
    job_id = agency.send(own, rows(3)).json()["job_id"]
    unknown = "j-" + "0" * 26
    for path in ("", "/result", "/rejects", "/report", "/manifest"):
        foreign, missing = (agency.get(other, f"/v1/jobs/{number}{path}") for number in (job_id, unknown))
        assert foreign.status_code == missing.status_code == 404
        strip = lambda body: {name: value for name, value in body.items() if name != "request_id"}
        assert strip(foreign.json()) == strip(missing.json())
    assert agency.client.post(f"/v1/jobs/{job_id}/cancel", b"", **bearing(other)).status_code == 404
    assert agency.get(other, "/v1/jobs").json() == {"jobs": []}
    assert [job["job_id"] for job in agency.get(own, "/v1/jobs").json()["jobs"]] == [job_id]
    for bad in ("../" + job_id, "j-" + "Z" * 26, "..%2f..%2fusers.db"):
        assert agency.get(own, f"/v1/jobs/{bad}").status_code == 404
    agency.until(own, job_id, "complete")


def test_the_same_key_gives_the_same_job_and_another_file_a_conflict(agency: Agency) -> None:
    key = agency.key("t-idem")
    first, again = agency.send(key, rows(3)), agency.send(key, rows(3))
    assert first.json()["job_id"] == again.json()["job_id"]
    assert agency.send(key, rows(4)).status_code == 409
    assert agency.send(key, rows(3), path="/v1/jobs?format=csv").status_code == 409
    assert len(agency.get(key, "/v1/jobs").json()["jobs"]) == 1
    assert agency.send(agency.key("t-idem-2"), rows(4)).status_code == 202  # keys are a tenant's own
    agency.until(key, first.json()["job_id"], "complete")


def test_the_example_of_the_description_is_scored(agency: Agency) -> None:
    from serving.openapi_examples import csv_rows

    key = agency.key("t-example")
    job_id = agency.send(key, csv_rows().encode(), media="text/csv").json()["job_id"]
    assert agency.until(key, job_id, "complete", "failed")["counts"]["scored"] == 1


def test_a_form_with_a_workbook_and_options_is_taken(agency: Agency) -> None:
    key = agency.key("t-form")
    body = "".join(f'--x\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in
                   (("format", "xlsx"), ("lang", "en"), ("reasons", "1")))  # fmt: skip
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="三月.parquet"\r\n\r\n'
    raw = (body + head).encode() + rows(3) + b"\r\n--x--\r\n"
    begun = agency.send(key, raw, media="multipart/form-data; boundary=x")
    assert begun.status_code == 202, begun.text
    ended = agency.until(key, begun.json()["job_id"], "complete", "failed")
    assert ended["name"] == "三月.parquet" and ended["options"]["format"] == "xlsx"
    assert agency.get(key, ended["links"]["result"]).content[:2] == b"PK"


@pytest.mark.parametrize(
    ("media", "path", "raw", "status"),
    [
        ("application/json", "/v1/jobs", b"{}", 415),
        (PARQUET, "/v1/jobs?format=pdf", b"PAR1", 422),
        (PARQUET, "/v1/jobs?mapping=/etc/passwd", b"PAR1", 422),
        (PARQUET, "/v1/jobs?reasons=9", b"PAR1", 422),
        (PARQUET, "/v1/jobs?reject_limit=nan", b"PAR1", 422),
        ("multipart/form-data; boundary=x", "/v1/jobs", b"--x--\r\n", 400),
        (PARQUET, "/v1/jobs", b"x" * 3_000_000, 413),
    ],
)
def test_a_request_that_is_not_well_formed_is_refused_and_leaves_nothing(
    home: Path, agency: Agency, media: str, path: str, raw: bytes, status: int
) -> None:
    object.__setattr__(agency.client.state.settings, "__dict__",
                       agency.client.state.settings.__dict__ | {"job_bytes": 2_000_000})  # fmt: skip
    key = agency.key("t-bad")
    before = set((home / "jobs").glob("*/j-*"))
    answer = agency.send(key, raw, path=path, media=media)
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    assert set((home / "jobs").glob("*/j-*")) == before


def test_a_file_that_is_refused_fails_the_job_with_field_and_rule(agency: Agency) -> None:
    key = agency.key("t-refused")
    job_id = agency.send(key, b"PAR1 nonsense PAR1").json()["job_id"]
    ended = agency.until(key, job_id, "complete", "failed")
    assert ended["state"] == "failed" and ended["problem"]["errors"][0]["rule"] == "unreadable"
    assert agency.get(key, f"/v1/jobs/{job_id}/result").status_code == 409


def test_too_many_rejects_fail_the_job_and_its_rejects_can_be_fetched(agency: Agency) -> None:
    key = agency.key("t-rejects")
    job_id = agency.send(key, rows(6, broken=5), path="/v1/jobs?format=csv").json()["job_id"]
    ended = agency.until(key, job_id, "complete", "failed")
    assert ended["problem"]["code"] == "gate_not_met" and ended["counts"]["rejected"] == 5
    assert set(ended["links"]) == {"self", "rejects", "manifest", "report"}
    assert "term_months" in agency.get(key, ended["links"]["rejects"]).text


def children_of(agency: Agency) -> list[int]:
    return [child.pid for child in agency.client.state.jobs._children.values()]


def test_a_job_that_was_killed_or_outlived_its_service_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    home = add_model(tmp_path / "home").home
    raw = rows(150_000)
    with Agency(home) as first:
        key = first.key("t-stop")
        job_id = first.send(key, raw).json()["job_id"]
        first.client.wait_for(lambda: bool(list((home / "jobs").glob("*/j-*/out.parts/000000.result.*"))))
        (child,) = children_of(first)
        os.kill(child, signal.SIGKILL)
        first.client.wait_for(lambda: children_of(first) not in ([], [child]))  # started again
    assert JobStore(home).all()[0].status()["state"] == "running"  # the service stopped before it was done
    with Agency(home) as second:
        ended = second.until(key, job_id, "complete", "failed", seconds=120)
        assert ended["state"] == "complete", ended
        answer = second.get(key, f"/v1/jobs/{job_id}/result").content
    (tmp_path / "in.parquet").write_bytes(raw)
    run_batch(tmp_path / "in.parquet", tmp_path / "out.parquet", scorer=ServedScorer(home))
    assert answer == (tmp_path / "out.parquet").read_bytes()


def test_two_services_on_one_store_run_a_job_once(tmp_path: Path) -> None:
    home = add_model(tmp_path / "home").home
    with Agency(home) as first, Agency(home) as second:
        key = first.key("t-two")
        job_id = first.send(key, rows(25_000)).json()["job_id"]
        seen = 0
        for _ in range(40):
            first.client.wait(0.05)
            second.client.wait(0.05)
            busy = [child for one in (first, second) for child in one.client.state.jobs._children.values()]
            seen = max(seen, sum(child.poll() is None for child in busy))
        first.until(key, job_id, "complete", seconds=120)
        assert first.client.state.jobs._deaths == second.client.state.jobs._deaths == {}
    folder = JobStore(home).find("t-two", job_id).folder  # type: ignore[union-attr]
    assert json.loads((folder / "status.json").read_text())["counts"]["rows"] == 25_000
    assert seen >= 1


def test_a_cancelled_job_stops_and_stays_cancelled(tmp_path: Path) -> None:
    home = add_model(tmp_path / "home").home
    with Agency(home) as one:
        key = one.key("t-cancel")
        running, waiting = (one.send(key, rows(120_000), idem=f"k{i}").json()["job_id"] for i in range(2))
        one.until(key, running, "running")
        assert one.get(key, f"/v1/jobs/{waiting}").json()["state"] == "queued"  # one process at a time
        for job_id in (running, waiting):
            answer = one.client.post(f"/v1/jobs/{job_id}/cancel", b"", **bearing(key))
            assert answer.status_code == 200 and answer.json()["state"] == "cancelled"
        one.client.wait_for(lambda: not children_of(one) and not list((home / "jobs").glob("*/*/input.*")))
        assert one.client.post(f"/v1/jobs/{running}/cancel", b"", **bearing(key)).status_code == 409


def test_a_process_that_always_dies_is_given_up(tmp_path: Path) -> None:
    home = add_model(tmp_path / "home").home
    with Agency(home) as one:
        key = one.key("t-dies")
        job_id = one.send(key, rows(120_000)).json()["job_id"]
        state: dict[str, Any] = {}
        until = time.monotonic() + 60
        while state.get("state") != "failed" and time.monotonic() < until:
            for child in children_of(one):
                os.kill(child, signal.SIGKILL)
            one.client.wait(0.05)
            state = one.get(key, f"/v1/jobs/{job_id}").json()
        assert state["problem"]["code"] == "died"


def test_the_results_of_old_jobs_are_removed(tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from serving.jobs.store import Wanted

    store, now = JobStore(tmp_path), datetime(2026, 11, 23, tzinfo=UTC)
    for days in (40, 10):
        folder = store.fresh("t")
        (folder / "input.csv").write_text("x")
        job = store.add(folder, ("t", "u"), now - timedelta(days=days), Wanted(".csv", ".csv"), key=None)
        store.end(job, {"state": "complete"})
    assert store.purge(now, 30) == 1 and len(store.of_tenant("t")) == 1


def test_a_bank_with_too_many_waiting_jobs_is_told_to_wait(tmp_path: Path) -> None:
    home = add_model(tmp_path / "home").home
    with Agency(home, job_waiting=1, job_processes=0) as one:
        key = one.key("t-many")
        assert one.send(key, rows(3)).status_code == 202
        refused = one.send(key, rows(3), idem="k2")
        assert refused.status_code == 429 and refused.headers["retry-after"] == "60"


def test_nobody_else_may_run_jobs(tmp_path: Path) -> None:
    with Bank(tmp_path / "home") as bank:
        assert bank.get("/v1/jobs", bank.key(Role.LOAN_OFFICER)).status_code == 403
