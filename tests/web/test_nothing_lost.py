"""What was filled in stays: over a change of language, the end of a login, and on the way back from a result."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from api_users import Bank
from desk_fakes import Visitor

from eco_credit.contracts import pledge_kinds
from serving.access import Role
from serving.web.desk import example_values

KINDS = pledge_kinds()
FORM = "application/x-www-form-urlencoded"
SENSITIVE = {
    "forest_right": {"borrower.id_no"}, "water_right": {"borrower.id_no"}, "order": {"borrower.id_no"},
}  # fmt: skip
"""What the papers mask as well: it is typed again."""


def typed_in(kind: str) -> dict[str, str]:
    """The example of a kind as a browser would post it: a unit without a choice is not posted."""
    return {name: text for name, text in example_values(kind).items() if text != "one"}


def fields(page: str) -> dict[str, str]:
    """Names and texts a browser would post from the application form of a page."""
    found = {}
    for tag in re.findall(r"<input [^>]+>", page):
        given = {name: unescape(text) for name, text in re.findall(r'([a-z]+)="([^"]*)"', tag)}
        if "name" in given and (given.get("type") != "radio" or " checked" in tag):
            found[given["name"]] = given.get("value", "")
    for name, inner in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        found[unescape(name)] = (re.findall(r'value="([^"]*)" selected', inner) or [""])[0]
    for name, text in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.S):
        found[unescape(name)] = unescape(text)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_language_keeps_every_field_even_what_cannot_be_read(visitor: Visitor, kind: str) -> None:
    typed = typed_in(kind) | {"borrower.borrower_name": "某某“合作社”<甲>", "loan.amount_requested": "二百万"}
    page = visitor.post(f"/apply/{kind}?lang=en", data=typed | {"resume": "1"})
    assert page.status_code == 200 and 'id="errors"' not in page.text and 'lang="en"' in page.text[:40]
    found = fields(page.text)
    assert {name: found.get(name) for name in typed} == typed
    assert visitor.pipeline.scored == 0


def test_the_language_of_a_form_is_changed_by_a_button_of_the_form_and_enter_still_sends_it(visitor: Visitor) -> None:
    text = visitor.get("/apply/order?lang=zh").text
    buttons = re.findall(r'<button[^>]+form="application"[^>]*>', text)
    assert len(buttons) == 3
    assert "resume" not in buttons[0]  # the first button of a form is the one that Enter presses
    assert all('name="resume"' in one for one in buttons[1:])
    assert 'formaction="/apply/order?lang=en"' in buttons[2]
    assert not re.search(r'<a href="/apply/order\?lang=en"', text)


def test_a_form_sent_after_the_login_has_ended_comes_back_whole_and_is_not_decided(tmp_path: Path) -> None:
    typed = {"borrower.borrower_name": '某"甲"', "loan.term_months": "abc", "form_id": "0" * 32}
    with Bank(tmp_path / "home", web=True) as bank:
        page = bank.post("/apply/order?lang=zh", urlencode(typed).encode(), content_type=FORM)
    assert page.status_code == 401 and "没有提交" in page.text
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    assert {unescape(name): unescape(text) for name, text in hidden} == typed | {"resume": "1"}
    assert 'action="/apply/order?lang=zh"' in page.text and "/login?lang=zh" in page.text


def test_a_form_of_another_site_does_not_come_back(tmp_path: Path) -> None:
    with Bank(tmp_path / "home", web=True) as bank:
        page = bank.post("/apply/order?lang=zh", b"a=1", content_type=FORM, origin="https://evil.example")
    assert page.status_code == 401 and 'name="a"' not in page.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_application_is_corrected_without_typing_it_again(visitor: Visitor, kind: str) -> None:
    first = visitor.post(f"/apply/{kind}?lang=zh", data=typed_in(kind))
    number = first.url.path.rsplit("/", 1)[1]
    link = f"/apply/{kind}?from={number}&amp;lang=zh"
    assert link in first.text
    page = visitor.get(unescape(link))
    found, typed = fields(page.text), typed_in(kind)
    left_out = {name for name in typed if typed[name] and not found.get(name)}
    assert left_out == SENSITIVE[kind] and number in page.text
    again = visitor.post(f"/apply/{kind}?lang=zh", data=found | {name: typed[name] for name in left_out})
    assert again.url.path != first.url.path and again.status_code == 200


def test_no_form_is_filled_in_from_what_the_reader_may_not_see(tmp_path: Path) -> None:
    with Bank(tmp_path / "home", web=True) as bank:
        other = bank.key(Role.LOAN_OFFICER, tenant="bank-b", user="mei")
        for number in ("d-" + "0" * 26, "nothing", "../x"):
            page = bank.get(f"/apply/order?from={number}&lang=zh", other)
            assert page.status_code == 404


def test_a_form_that_could_not_be_decided_comes_back_whole(visitor: Visitor) -> None:
    typed = typed_in("order")
    visitor.app.state.service.champions._current = None  # no model is in service just now
    page = visitor.post("/apply/order?lang=zh", data=typed)
    assert page.status_code == 503 and "保留" in page.text and "/login" not in page.text[page.text.index("<main") :]
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    assert {unescape(name): unescape(text) for name, text in hidden} == typed | {"resume": "1"}


@pytest.mark.parametrize(("lang", "words"), [("zh", "没有找到"), ("en", "Not found")])
def test_an_address_that_is_not_there_is_a_page_for_a_person_and_a_document_for_a_program(visitor, lang, words) -> None:
    person = visitor.get(f"/nothing?lang={lang}", headers={"accept": "text/html,*/*"})
    assert person.status_code == 404 and words in person.text and "<main" in person.text
    for path, accept in (("/nothing", "*/*"), ("/v1/nothing", "text/html")):
        told = visitor.get(path, headers={"accept": accept})
        assert told.status_code == 404 and told.json()["type"] == "/problems/not_found"
    wrong = visitor.get(f"/logout?lang={lang}", headers={"accept": "text/html"})
    assert wrong.status_code == 405 and "<main" in wrong.text and wrong.headers["allow"] == "POST"
