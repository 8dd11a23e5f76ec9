"""The risk team's pages: what stands in the packages is shown; one person proposes, another approves."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from api_service import Client, Ticking
from api_users import bearing, closed
from look_samples import look
from small_store import add_model
from test_pages import Checked

from eco_credit.registry import Store
from eco_credit.registry.proposals import proposals
from eco_credit.reports.monitor_kept import keep_look, monitor_folder
from serving.access import Role
from serving.access.keybook import SqlKeyBook
from serving.app import create_app
from serving.settings import Settings

NAME = "eco-credit"
FORM = {"content_type": "application/x-www-form-urlencoded"}
GATE = {
    "status": "amber",
    "synthetic": True,
    "gates": [
        {"gate": "G1a", "name_zh": "排序能力下限", "name_en": "Ranking power", "light": "green", "value": 0.8012},
        {"gate": "G2e", "name_zh": "单调证明", "name_en": "Proof <b>", "light": "red", "value": 3, "red": "> 0"},
        {"gate": "G3", "name_zh": "稳定", "name_en": "Stability", "light": "amber", "value": 0.12},
    ],
    "statistics": {
        "pd": {
            "auc": {"value": 0.801, "low": 0.751, "high": 0.851}, "ks": 0.488, "mean_pd": 0.02,
            "brier": {"value": 0.0248, "low": 0.0189, "high": 0.0307},
            "cox": {"slope": {"value": 0.887, "low": 0.707, "high": 1.067},
                    "intercept": {"value": 0.308, "low": 0.038, "high": 0.577}},
            "grades": [
                {"grade": "A", "pd": 0.005, "default_rate": 0.004, "low": 0.001, "high": 0.012, "rows": 300},
                {"grade": "B", "pd": 0.04, "default_rate": 0.05, "low": 0.03, "high": 0.08, "rows": 100},
            ],
        },
    },
}  # fmt: skip


class Desk:
    """The service on a store with a champion and a challenger, and people with keys of their own."""

    def __init__(self, home: Path) -> None:
        add_model(home)
        self.store = add_model(home, 2, base=0.5, alias="challenger", gate=GATE)
        self.book = SqlKeyBook(home / "users.db")
        self.client = Client(create_app(closed(home, web=True), clock=Ticking()))
        self._keys: dict[str, str] = {}

    def __enter__(self) -> Desk:
        self.client.__enter__()
        self.client.wait_for(lambda: self.client.state.challengers.ready)
        return self

    def __exit__(self, *details: object) -> None:
        self.client.__exit__(*details)

    def key(self, user: str, role: Role) -> str:
        if user not in self._keys:
            now = self.client.state.clock.now
            self._keys[user] = self.book.add(user, tenant="bank-a", roles=[role], now=now)[1]
        return self._keys[user]

    def get(self, path: str, user: str = "li", role: Role = Role.RISK_MODELLER) -> httpx.Response:
        return self.client.get(path, **bearing(self.key(user, role)))

    def post(self, path: str, said: dict[str, object], user: str, role: Role, **headers: str) -> httpx.Response:
        given = FORM | bearing(self.key(user, role)) | headers
        return self.client.post(path, urlencode(said).encode(), **given)

    def propose(self, user: str = "li") -> httpx.Response:
        digest = json.loads(self.store.pointer_path(NAME, "challenger").read_bytes())["digest"]
        said = {"digest": digest, "reason": "better\r\nout of time"}
        return self.post("/models/propose?lang=en", said, user, Role.RISK_MODELLER)

    def decide(self, user: str = "wang", **said: object) -> httpx.Response:
        whole = {"proposal": 1, "act": "approve", "reason": "agreed", "waiver": "watched monthly"} | said
        return self.post("/models/promote?lang=en", whole, user, Role.APPROVER)

    def champion(self) -> str:
        found: str = self.client.get("/v1/models", **bearing(self.key("li", Role.RISK_MODELLER))).json()["models"][0][
            "version"
        ]
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path / "home") as one:
        yield one


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk whose store no test of this file changes."""
    with Desk(tmp_path_factory.mktemp("reading") / "home") as one:
        yield one


def said_in(page: httpx.Response) -> str:
    """The text of the main part, spaces made one."""
    main = page.text[page.text.index("<main") : page.text.index("</main>")]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_champion_and_challenger_stand_side_by_side_with_their_records(reading: Desk, lang: str) -> None:
    page = reading.get(f"/models?lang={lang}")
    assert page.status_code == 200 and Checked(page.text).faults == []
    said = said_in(page)
    for part in ("T. Trainer", "A. Approver", "0.801 (0.751 – 0.851)", "0.488", "0.887 (0.707 – 1.067)", "G2e", "G3"):
        assert part in said, part
    assert "G1a" not in said  # green gates are counted, not named
    assert "Proof <b>" not in page.text and ("Proof &lt;b&gt;" in page.text) == (lang == "en")
    for holder in (reading.client.state.champions, reading.client.state.challengers):
        assert holder.current().package.digest in page.text


def test_a_menu_entry_leads_there_for_those_who_may(reading: Desk) -> None:
    assert 'href="/models?lang=en" aria-current="page"' in reading.get("/models?lang=en").text
    officer = reading.get("/?lang=en", "chen", Role.LOAN_OFFICER).text
    assert "/models" not in officer
    assert reading.get("/models", "chen", Role.LOAN_OFFICER).status_code == 403


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_model_is_drawn_from_the_package_that_is_served(reading: Desk, lang: str) -> None:
    page = reading.get(f"/models/challenger?lang={lang}")
    assert page.status_code == 200 and Checked(page.text).faults == []
    package = reading.client.state.challengers.found.package
    # a curve for each feature of the table, the calibration, and the maps of the pairs
    curves = len(package.bundle.pd.table.names) + len(package.bundle.pd.table.pairs) + 1
    assert page.text.count('<svg class="figure"') == curves
    assert package.digest in page.text and "0.50% – 1.20%" not in page.text and "0.10% – 1.20%" in page.text
    bare = reading.get(f"/models/champion?lang={lang}")  # its package records neither gates nor grades
    assert bare.status_code == 200 and bare.text.count('<svg class="figure"') == curves - 1
    card = reading.get(f"/models/challenger/card?lang={lang}")
    assert card.status_code == 200 and "<style" not in card.text and "/static/model.css?v=" in card.text
    other = {"zh": "en", "en": "zh"}[lang]  # its reader gets back, and into the other language
    assert f'href="/models?lang={lang}"' in card.text and f'href="/models/challenger/card?lang={other}"' in card.text
    assert reading.get("/models/nobody").status_code == reading.get("/models/nobody/card").status_code == 404


def test_one_proposes_another_approves_and_the_service_follows(desk: Desk) -> None:
    asked = desk.propose()
    assert (asked.status_code, asked.headers["location"]) == (303, "/models?lang=en&done=proposed")
    page = desk.get("/models?lang=en", "wang", Role.APPROVER)
    assert "li@bank-a" in said_in(page) and "better out of time" in said_in(page)
    assert "eco-credit users enrol wang --tenant bank-a" in said_in(page) and 'name="waiver"' in page.text
    refused = desk.decide()
    assert refused.status_code == 409 and "eco-credit users enrol wang --tenant bank-a" in refused.text
    desk.store.enrol("wang@bank-a", "approver")
    red = desk.decide(waiver="")
    assert red.status_code == 409 and "G2e" in red.text and desk.champion() == "1"
    done = desk.decide()
    assert (done.status_code, done.headers["location"]) == (303, "/models?lang=en&done=approved")
    desk.client.wait_for(lambda: desk.champion() == "2", 10.0)
    said = said_in(desk.get("/models?lang=en"))
    assert "watched monthly" in said and "G2e, G3" in said and "wang@bank-a" in said
    assert desk.decide().status_code == 409  # it is settled


def test_a_rollback_is_served_within_five_seconds_and_once(desk: Desk) -> None:
    desk.store.enrol("wang@bank-a", "approver")
    desk.propose()
    desk.decide()
    desk.client.wait_for(lambda: desk.champion() == "2", 10.0)
    desk.client.wait_for(lambda: desk.client.state.champions.fallback == "1", 10.0)
    began = time.monotonic()
    said = {"seen": 2, "reason": "complaints"}
    assert desk.post("/models/rollback?lang=en", said, "wang", Role.APPROVER).status_code == 303
    desk.client.wait_for(lambda: desk.champion() == "1", 10.0)
    assert time.monotonic() - began < 5.0
    again = desk.post("/models/rollback?lang=en", said, "wang", Role.APPROVER)
    assert again.status_code == 409 and "meanwhile" in again.text


def test_two_approvals_at_once_one_wins(desk: Desk) -> None:
    for user in ("wang", "zhao"):
        desk.store.enrol(f"{user}@bank-a", "approver")
        desk.key(user, Role.APPROVER)
    desk.propose()
    raw = urlencode({"proposal": 1, "act": "approve", "reason": "agreed", "waiver": "watched"}).encode()
    answers = desk.client.together(
        [("/models/promote", raw, FORM | bearing(desk.key(user, Role.APPROVER))) for user in ("wang", "zhao")]
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    history = desk.store.pointer_path(NAME).with_suffix(".history.jsonl").read_bytes()
    assert history.count(b"\n") == 2


def test_a_refusal_moves_nothing_and_is_kept(desk: Desk) -> None:
    desk.store.enrol("wang@bank-a", "approver")
    desk.propose()
    assert desk.decide(act="refuse", reason="the water cell is thin").headers["location"].endswith("done=refused")
    assert desk.champion() == "1"
    assert "the water cell is thin" in said_in(desk.get("/models?lang=en"))


@pytest.mark.parametrize(
    "said",
    [{"proposal": "x"}, {"proposal": "2"}, {"proposal": "-1"}, {"act": ""}, {"reason": " \t"}, {"reason": "x" * 2000}],
)
def test_a_form_that_is_not_whole_moves_nothing(desk: Desk, said: dict[str, object]) -> None:
    desk.store.enrol("wang@bank-a", "approver")
    desk.propose()
    assert desk.decide(**said).status_code == 409
    assert [one.state for one in proposals(desk.store, NAME)] == ["open"] and desk.champion() == "1"


def test_a_form_from_another_site_moves_nothing(desk: Desk) -> None:
    said = {"proposal": 1, "act": "approve", "reason": "win"}
    for path, user, role in (
        ("/models/promote", "wang", Role.APPROVER), ("/models/rollback", "wang", Role.APPROVER),
        ("/models/propose", "li", Role.RISK_MODELLER),
    ):  # fmt: skip
        answer = desk.post(path, said, user, role, **{"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403


def test_words_of_people_are_escaped(desk: Desk) -> None:
    digest = json.loads(desk.store.pointer_path(NAME, "challenger").read_bytes())["digest"]
    said = {"digest": digest, "reason": "<script>alert(1)</script>{{ 7*7 }}"}
    assert desk.post("/models/propose", said, "li", Role.RISK_MODELLER).status_code == 303
    page = desk.get("/models?lang=en").text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page


def test_an_altered_history_is_named_and_the_page_stands(desk: Desk) -> None:
    path = desk.store.pointer_path(NAME, "challenger")
    path.write_bytes(path.read_bytes().replace(b'"reason":"test"', b'"reason":"best"'))
    page = desk.get("/models?lang=en")
    assert page.status_code == 200 and "does not fit what it signs" in page.text


def test_in_a_service_open_to_all_nobody_is_a_second_person(tmp_path: Path) -> None:
    home = tmp_path / "home"
    add_model(home)
    store = add_model(home, 2, base=0.5, alias="challenger", gate=GATE)
    store.enrol("demo@demo", "approver")
    settings = Settings(access="open", home=home, refresh_seconds=0.05)
    with Client(create_app(settings, clock=Ticking())) as client:
        page = client.get("/models?lang=en")
        assert "Four eyes need two logins" in page.text and 'action="/models/propose?lang=en"' in page.text
        digest = json.loads(store.pointer_path(NAME, "challenger").read_bytes())["digest"]
        for path, said in (("propose", {"digest": digest, "reason": "x"}), ("promote", {"proposal": 1}),
                           ("rollback", {"seen": 1, "reason": "x"})):  # fmt: skip
            answer = client.post(f"/models/{path}?lang=en", urlencode(said).encode(), **FORM)
            assert answer.status_code == 403 and "two logins" in answer.text
        assert proposals(store, NAME) == []


def test_a_store_without_a_model_is_said_to_be_so(tmp_path: Path) -> None:
    settings = Settings(access="open", home=tmp_path / "home", refresh_seconds=0.05)
    with Client(create_app(settings, clock=Ticking())) as client:
        page = client.get("/models?lang=en")
        assert page.status_code == 200 and "No champion is in service" in page.text
        assert "model_not_servable" in page.text
        assert client.get("/models/champion").status_code == 404
        assert client.get("/models/drift").status_code == 200


def test_without_a_look_the_page_names_the_command_that_keeps_one(reading: Desk) -> None:
    page = reading.get("/models/drift?lang=en")
    assert page.status_code == 200 and "eco-credit monitor eco-credit@champion tape.parquet --keep" in page.text


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_newest_look_is_shown_and_earlier_ones_are_listed(desk: Desk, lang: str) -> None:
    store = Store(desk.store.home)
    first = keep_look(store, look())
    page = desk.get(f"/models/drift?lang={lang}")
    assert page.status_code == 200 and Checked(page.text).faults == []
    assert ("12,000" in page.text) and f"/models/drift/{first.stem}" in page.text
    # the sample was a look at the demo's champion, not at this one
    assert {"zh": "不是当前在用", "en": "another package than the champion"}[lang] in page.text
    report = desk.get(f"/models/drift/{first.stem}?lang={lang}")
    assert report.status_code == 200 and "<style" not in report.text and "/static/monitor.css?v=" in report.text
    assert f'href="/models/drift?lang={lang}"' in report.text


def test_a_look_that_is_not_one_is_passed_over_and_named(desk: Desk) -> None:
    good = keep_look(Store(desk.store.home), look())
    folder = monitor_folder(desk.store, NAME)
    strange = look()
    strange["triggers"][0]["name"] = "of no such word"
    for place, text in enumerate(("{}", "not json", json.dumps(strange))):
        (folder / f"2099-01-0{place + 1}T000000Z-0000000{place}.json").write_text(text)
    page = desk.get("/models/drift?lang=en")
    assert page.status_code == 200 and "2099-01-03T000000Z-00000002" in page.text and "12,000" in page.text
    assert f"/models/drift/{good.stem}" in page.text
    for name in ("2099-01-03T000000Z-00000002", "2099-01-01T000000Z-00000000", "..%2Fchampion", "x"):
        assert desk.get(f"/models/drift/{name}").status_code == 404


def test_two_threads_read_the_page_while_it_changes(desk: Desk) -> None:
    """The record is replaced whole: a reader sees all of it or none of it."""
    seen: list[int] = []

    def read() -> None:
        seen.extend(len(proposals(desk.store, NAME)) for _ in range(50))

    reader = threading.Thread(target=read)
    reader.start()
    desk.propose()
    reader.join()
    assert set(seen) <= {0, 1} and len(proposals(desk.store, NAME)) == 1
