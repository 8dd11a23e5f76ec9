"""Identifiers against worked examples, properties, and python-stdnum as an oracle."""

from __future__ import annotations

import datetime as dt
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.core import identifiers as ids

DIGITS = st.text("0123456789", min_size=8, max_size=8)
ORGANISATION = st.text(ids.USCC_ALPHABET, min_size=9, max_size=9)
DAYS = st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(2026, 1, 1))


def test_the_credit_code_of_the_worked_example() -> None:
    # 9+9+81+243+171+234+144+153 + 1*30 + 9*28 = 1326; 1326 mod 31 = 24; 31 - 24 = 7
    assert ids.uscc("939999990000000197") == ids.Identifier(True, "cooperative")


def test_a_village_collective_starts_with_a_letter() -> None:
    # sum 1336, mod 31 = 3, 31 - 3 = 28 -> W
    assert ids.uscc("N2999999000000019W") == ids.Identifier(True, "village_collective")


@pytest.mark.parametrize(("start", "kind"), [("N1", "village_group"), ("N3", "township_collective"), ("A1", "military"),
                                             ("Y1", "other"), ("91", "enterprise"), ("12", "institution")])
def test_the_first_two_characters_say_what_kind_of_body_it_is(start: str, kind: str) -> None:
    first = start + "99999900000001" + "9"
    assert ids.uscc(first + ids.uscc_check(first)).kind == kind


def test_a_wrong_organisation_code_inside_is_only_a_warning() -> None:
    first = "91999999" + "000000018"  # the check character of 00000001 is 9
    assert ids.uscc(first + ids.uscc_check(first)).warnings == ("organisation_code",)


def test_the_organisation_code_writes_ten_as_x_and_eleven_as_zero() -> None:
    # 2*5 = 10 -> 11-10 = 1; 8*5 = 40 -> 40 mod 11 = 7 -> 4; sum 1 -> X needs S mod 11 = 1: 3*4 = 12
    assert ids.organisation_check("00000001") == "9"
    assert ids.organisation_check("40000000") == "X"
    assert ids.organisation_check("00000000") == "0"


def test_the_identity_number_of_the_worked_example() -> None:
    # S = 414, 414 mod 11 = 7 -> 5
    assert ids.resident_id("999999190001010015") == ids.Identifier(True, "resident")


def test_a_residence_permit_of_hong_kong_macao_or_taiwan_is_accepted() -> None:
    for area in ids.RESIDENCE_PERMIT_AREAS:
        first = area + "19850615" + "123"
        assert ids.resident_id(first + ids.resident_check(first)).kind == "residence_permit"


def test_a_birthday_that_is_no_day_is_refused() -> None:
    first = "99999919000230001"
    assert not ids.resident_id(first + ids.resident_check(first)).valid


def test_fifteen_digits_alone_are_refused() -> None:
    assert not ids.resident_id("999999000101001").valid


def test_full_width_characters_blanks_and_hyphens_are_folded() -> None:
    assert ids.uscc(" ９３９９９９９９ 0000-0001-97 ").valid
    assert ids.uscc("n2999999000000019w").valid


def test_digits_of_other_scripts_are_not_digits() -> None:
    assert not ids.resident_id("\u0669" * 18).valid


@pytest.mark.parametrize(
    ("code", "kind"),
    [("999999001002JE00015L00000002", "forest"), ("999999001002GB00015F00000002", "house"),
     ("999999001002JE00015W00000000", "land"), ("999999 001002 JE00015 L00000002", "forest")],
)
def test_a_unit_code_says_what_stands_on_the_land(code: str, kind: str) -> None:
    assert ids.unit_code(code).kind == kind


@pytest.mark.parametrize("code", ["999999001002JE00015L0000002", "999999001002XE00015L00000002", "",
                                  "999999001002JE00015500000002", "999999001002JE00015W00000001"])
def test_a_unit_code_of_another_form_is_refused(code: str) -> None:
    assert not ids.unit_code(code).valid


def test_a_letter_means_the_source_in_the_old_permit_number_and_the_level_in_the_new() -> None:
    assert ids.water_permit("B999999S2026-0001").kind == "surface"
    assert ids.permit_level("B999999S2026-0001") == "province"
    assert ids.water_permit("取水（某县）字〔2007〕第B00000001号") == ids.Identifier(True, "ground", ("old_number",))
    assert ids.permit_level("取水(某县)字〔2007〕第B00000001号") is None


@pytest.mark.parametrize("text", ["999999202600001", "E999999S2026-0001", "D999999X2026-0001", "No. 00123"])
def test_a_print_number_or_an_application_code_is_no_permit_number(text: str) -> None:
    assert not ids.water_permit(text).valid


def test_an_old_forest_certificate_is_accepted_with_a_warning() -> None:
    assert ids.certificate("闽（2026）某县不动产权第0000001号") == ids.Identifier(True, "real_estate")
    assert ids.certificate("某政林证字(2008)第1号").warnings == ("old_certificate",)
    assert not ids.certificate("  ").valid


@given(area=DIGITS, organisation=ORGANISATION, place=st.integers(0, 17), other=st.sampled_from(ids.USCC_ALPHABET))
def test_any_one_character_changed_breaks_a_credit_code(area: str, organisation: str, place: int, other: str) -> None:
    first = area + organisation
    code = first + ids.uscc_check(first)
    changed = code[:place] + other + code[place + 1:]
    assert ids.uscc(changed).valid == (changed == code)


@given(day=DAYS, order=st.integers(0, 999), place=st.integers(0, 17), other=st.sampled_from("0123456789X"))
def test_any_one_character_changed_breaks_an_identity_number(day, order: int, place: int, other: str) -> None:
    first = f"999999{day:%Y%m%d}{order:03d}"
    code = first + ids.resident_check(first)
    changed = code[:place] + other + code[place + 1:]
    assert not ids.resident_id(changed).valid or changed == code


@given(st.text(max_size=40))
def test_no_text_makes_a_check_fail_otherwise_than_by_refusing(text: str) -> None:
    for form in ids.FORMATS.values():
        assert form.check(text).valid in (True, False)
        assert form.fold(form.fold(text)) == form.fold(text)


@given(area=DIGITS, organisation=ORGANISATION)
def test_credit_codes_agree_with_the_oracle(area: str, organisation: str) -> None:
    oracle = pytest.importorskip("stdnum.cn.uscc")
    first = area + organisation
    assert ids.uscc_check(first) == oracle.calc_check_digit(first)
    code = first + ids.uscc_check(first)
    assert oracle.is_valid(code) and ids.uscc(code).valid


@given(day=DAYS, order=st.integers(0, 999))
def test_identity_numbers_agree_with_the_oracle(day, order: int) -> None:
    oracle = pytest.importorskip("stdnum.cn.ric")
    first = f"110101{day:%Y%m%d}{order:03d}"
    assert ids.resident_check(first) == oracle.calc_check_digit(first + "0")
    assert ids.resident_id(first + ids.resident_check(first)).valid


def test_the_oracle_refuses_village_collectives_and_we_do_not() -> None:
    oracle = pytest.importorskip("stdnum.cn.uscc")
    assert not oracle.is_valid("N2999999000000019W")
    assert ids.uscc("N2999999000000019W").valid


CODES = st.one_of(
    st.text(ids.USCC_ALPHABET + "IOSVZ-", min_size=17, max_size=19),
    st.text("0123456789X", min_size=18, max_size=18),
    st.text(max_size=18),
)


@given(st.lists(CODES, max_size=12), DIGITS, ORGANISATION, DAYS)
def test_many_identifiers_are_refused_where_each_alone_is(
    texts: list[str], digits: str, organisation: str, born: dt.date
) -> None:
    body, person = f"{digits}{organisation}", f"{digits[:6]}{born:%Y%m%d}{digits[:3]}"
    texts += [body + ids.uscc_check(body), body + "7", person + ids.resident_check(person), person + "3"]
    texts += [f"D{digits[:6]}S2026-{digits[:4]}", f"D{digits[:6]}S 2026-{digits[:4]}", f"{digits[0]}杉{digits[1]}马"]
    for name, form in ids.FORMATS.items():
        assert form.refused(texts) == {text for text in texts if not form.check(text).valid}, name
        plain = zip(texts, form.plainly(texts).tolist(), strict=True)
        assert all(form.check(text).valid for text, plainly in plain if plainly)


def test_every_month_of_an_identity_number_is_checked_alike_for_one_and_for_many() -> None:
    firsts = [f"999999{year}{month:02}{day:02}101" for year in (1900, 2000, 2023) for month in range(14)
              for day in (0, 1, 28, 29, 30, 31, 32)]  # fmt: skip
    codes = [first + ids.resident_check(first) for first in firsts]
    assert ids.FORMATS["resident_id"].refused(codes) == {code for code in codes if not ids.resident_id(code).valid}


def test_nothing_that_begins_with_a_letter_or_a_digit_folds_to_nothing() -> None:
    letters = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isalnum()]
    assert all(ids.fold(letter) and ids.fold_spaces(letter) for letter in letters)


@given(st.lists(st.text(max_size=6), max_size=8))
def test_texts_folded_together_are_those_folded_one_by_one(texts: list[str]) -> None:
    for fold in (ids.fold, ids.fold_spaces):
        assert ids.fold_all(texts, fold) == [fold(text) for text in texts]
