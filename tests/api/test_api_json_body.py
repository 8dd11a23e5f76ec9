"""The reader of JSON bodies: what it takes, what it refuses, and that it says where."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.core.errors import ContractError
from serving.json_body import Limits, _checked, parse, parse_json
from serving.problems import Problem

REFUSED: list[tuple[str, bytes, str, str]] = [
    ("not a number", b'{"pledges": [{"area": NaN}]}', "pledges[0].area", "not_finite"),
    ("infinity", b'{"a": {"b": Infinity}}', "a.b", "not_finite"),
    ("minus infinity", b'{"a": -Infinity}', "a", "not_finite"),
    ("a number beyond a double", b'{"a": 1e999}', "a", "not_finite"),
    ("minus a number beyond a double", b'{"a": [1, -1e999]}', "a[1]", "not_finite"),
    ("a number that would become zero", b'{"a": 1e-999}', "a", "number_too_small"),
    ("an integer of 65 bit", b'{"a": 9223372036854775808}', "a", "integer_64_bit"),
    ("an integer of 5000 digits", b'{"a": ' + b"9" * 5000 + b"}", "a", "integer_64_bit"),
    ("a key given twice", b'{"loan": {"term_months": 12, "term_months": 24}}', "loan.term_months", "duplicate_key"),
    ("the same key once escaped", b'{"area": 1, "\\u0061rea": 2}', "area", "duplicate_key"),
    ("a NUL in a text", b'{"a": "x\\u0000y"}', "a", "text_characters"),
    ("an escaped control character", b'{"a": "x\\u001by"}', "a", "text_characters"),
    ("a C1 control character", '{"a": "x\u0085y"}'.encode(), "a", "text_characters"),
    ("a lone surrogate", b'{"a": "\\ud83d"}', "a", "text_characters"),
    ("a control character in a key", b'{"x": {"a\\u0001": 1}}', "x", "key_characters"),
    ("a key of 65 characters", b'{"' + b"k" * 65 + b'": 1}', "$", "key_characters"),
    ("a raw control character", b'{"a": "x\x01y"}', "$", "syntax"),
    ("an empty body", b"", "$", "empty"),
    ("a blank body", b" \r\n\t", "$", "empty"),
    ("a byte order mark", b'\xef\xbb\xbf{"a": 1}', "$", "byte_order_mark"),
    ("UTF-16", '{"a": 1}'.encode("utf-16"), "$", "byte_order_mark"),
    ("bytes that are not UTF-8", b'{"a": "\xff"}', "$", "utf8"),
    ("an encoded surrogate", b'{"a": "\xed\xa0\x80"}', "$", "utf8"),
    ("half an object", b'{"a": ', "$", "syntax"),
    ("two objects", b"{}{}", "$", "syntax"),
    ("a comment", b'{"a": 1} // x', "$", "syntax"),
    ("single quotes", b"{'a': 1}", "$", "syntax"),
    ("a trailing comma", b'{"a": 1,}', "$", "syntax"),
    ("a leading zero", b'{"a": 01}', "$", "syntax"),
    ("a list", b"[1]", "$", "object"),
    ("a bare number", b"1", "$", "object"),
    ("a bare NaN", b"NaN", "$", "not_finite"),
]


@pytest.mark.parametrize(("raw", "field", "rule"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_refused_is_named_by_field_and_rule(raw: bytes, field: str, rule: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(raw)
    assert (field, rule) in [(v.field, v.rule) for v in caught.value.violations]
    assert caught.value.kind.status == 400


def test_all_faults_of_a_body_are_told_at_once() -> None:
    with pytest.raises(Problem) as caught:
        parse(b'{"a": NaN, "b": {"c": 1, "c": 2}, "d": "\\u0000"}')
    found = {(v.field, v.rule) for v in caught.value.violations}
    assert found == {("a", "not_finite"), ("b.c", "duplicate_key"), ("d", "text_characters")}


def test_a_key_that_is_no_plain_name_is_not_repeated() -> None:
    with pytest.raises(Problem) as caught:
        parse('{"张三 13800138000": NaN}'.encode())
    assert caught.value.violations[0].field == "?"


def test_the_largest_and_smallest_64_bit_integers_are_kept_exactly() -> None:
    assert parse(b'{"a": 9223372036854775807, "b": -9223372036854775808}') == {"a": 2**63 - 1, "b": -(2**63)}


def test_zero_may_be_written_in_any_way() -> None:
    assert parse(b'{"a": 0.000, "b": -0.0, "c": 0e5, "d": 0}') == {"a": 0, "b": 0, "c": 0, "d": 0}


@pytest.mark.parametrize(("depth", "taken"), [(12, True), (13, False), (40_000, False)])
def test_nesting_is_bounded(depth: int, taken: bool) -> None:
    # The object itself is level 1 and its innermost list the last one.
    raw = b'{"a": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    if taken:
        assert "a" in parse(raw)
    else:
        with pytest.raises(Problem) as caught:
            parse(raw)
        assert caught.value.violations[-1].rule == "max_depth"


def test_the_number_of_values_is_bounded() -> None:
    # One object, one list and 98 commas between 99 numbers are 100 marks; one more is too many.
    limits = Limits(max_values=100)
    assert len(parse(b'{"a": [' + b",".join([b"1"] * 99) + b"]}", limits)["a"]) == 99
    with pytest.raises(Problem) as caught:
        parse(b'{"a": [' + b",".join([b"1"] * 100) + b"]}", limits)
    assert caught.value.violations[0].rule == "max_values"


def test_size_is_bounded_to_the_byte() -> None:
    raw = b'{"a": "' + b"x" * 92 + b'"}'
    assert len(raw) == 101
    assert parse(raw, Limits(max_bytes=101))
    with pytest.raises(Problem) as caught:
        parse(raw, Limits(max_bytes=100))
    assert caught.value.kind.status == 413


def test_the_command_line_gets_a_contract_error_with_the_same_words() -> None:
    with pytest.raises(ContractError) as caught:
        parse_json(b'{"a": NaN}')
    assert caught.value.violations[0].rule == "not_finite"


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20).filter(
    lambda text: not set(text) & set("\ufeff\ufffe\uffff")
)
_SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
)
_VALUE = st.recursive(
    _SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4), max_leaves=20
)


@given(st.dictionaries(_TEXT, _VALUE, max_size=5))
def test_every_plain_object_is_read_back_exactly(value: dict[str, Any]) -> None:
    limits = Limits(max_depth=100)
    assert repr(parse(json.dumps(value).encode(), limits)) == repr(value)
    assert repr(parse(json.dumps(value, ensure_ascii=False).encode(), limits)) == repr(value)


_NEARLY_JSON = st.text(alphabet='{}[]":,0123456789eE.-+NaInfity\\u \x00', max_size=60).map(str.encode)


@given(st.binary(max_size=200) | _NEARLY_JSON)
def test_no_bytes_at_all_make_it_fail_otherwise(raw: bytes) -> None:
    try:
        assert isinstance(parse(raw), dict)
    except Problem as problem:
        assert problem.kind.status == 400
        assert problem.violations


_NUMBER = st.sampled_from(
    ["0", "-0", "0.0", "1e-400", "0.0e-400", "1E-323", "1e400", "9223372036854775808", "-9223372036854775808", "1e5",
     "0." + "0" * 310 + "7e-20", "0." + "0" * 330 + "1", "NaN", "-Infinity", "1" * 5000]
)  # fmt: skip
_MEMBER = st.tuples(st.sampled_from(["a", "b", "e-400", "k" * 65, ":"]), _NUMBER | st.sampled_from(['"a"', '"x-201"']))


@given(st.lists(_MEMBER, max_size=6), st.integers(0, 14))
def test_the_quick_reading_gives_what_the_careful_one_gives(members: list[tuple[str, str]], depth: int) -> None:
    inner = "{" + ", ".join(f'"{key}" : {value}' for key, value in members) + "}"
    text = '{"o":' + "[" * depth + inner + "]" * depth + "}"

    def outcome(read: Any) -> str:
        try:
            return repr(read())
        except Problem as problem:
            return repr([(v.field, v.rule) for v in problem.violations])

    assert outcome(lambda: parse(text.encode())) == outcome(lambda: _checked(text, Limits()))
