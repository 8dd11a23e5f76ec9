"""Sealing a record loses no byte, and nothing but what was sealed there opens again."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import StorageUnavailable
from eco_credit.registry import subject_keys
from eco_credit.registry.sealed import MARK, Part, Place, key_id_of, seal, unseal, without_key
from eco_credit.registry.subject_keys import KeyFile, KeySource, Wrapped, new_data_key, new_key_file, read_key_file

KEY_ID = "0123456789abcdef" * 2
PLACE = Place("bank-a", "d-1", "score")
NAMES = ("decided_by", "input_hash")
CIPHER = AESGCM(bytes(range(32)))
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
PERSONAL = st.fixed_dictionaries(
    {"answer": NESTED, "provenance": st.fixed_dictionaries({"input_hash": PLAIN}), "decided_by": PLAIN}
)


def part_of(answer: object, request: object = None) -> Part:
    return Part(canonical_json(request), canonical_json(answer), "a" * 64, "b" * 64)


@given(NESTED, PERSONAL)
@settings(max_examples=300, deadline=None)
def test_what_is_sealed_opens_to_the_same_bytes_and_none_of_it_stands_in_the_answer(
    request: object, answer: dict
) -> None:
    part = part_of(answer, request)
    stored = seal(CIPHER, KEY_ID, PLACE, part, NAMES)
    assert unseal(CIPHER, PLACE, stored) == part
    left = json.loads(stored.answer)
    assert left["provenance"]["input_hash"] is None and left["decided_by"] is None
    assert (stored.request_hash, stored.features) == ("", "")
    assert left["answer"] == json.loads(canonical_json(answer["answer"]))


@pytest.mark.parametrize("text", ['","input_hash":"x', "\\", '\\"', 'a\\","decided_by":1', "\n", "林"])
def test_a_text_that_looks_like_a_field_is_left_alone(text: str) -> None:
    part = part_of({"a": text, "decided_by": text, "z": [text]})
    stored = seal(CIPHER, KEY_ID, PLACE, part, NAMES)
    assert json.loads(stored.answer) == {"a": text, "decided_by": None, "z": [text]}
    assert unseal(CIPHER, PLACE, stored) == part


def test_a_flipped_bit_anywhere_in_what_is_sealed_is_refused() -> None:
    stored = seal(CIPHER, KEY_ID, PLACE, part_of({"input_hash": "x"}, {"id_no": "110101"}), NAMES)
    refused = 0
    for place in range(len(MARK), len(stored.request)):
        for bit in (1, 128):
            data = bytearray(stored.request)
            data[place] ^= bit
            with pytest.raises(StorageUnavailable):
                unseal(CIPHER, PLACE, replace(stored, request=bytes(data)))
            refused += 1
    assert refused == 2 * (len(stored.request) - len(MARK))


@pytest.mark.parametrize(
    "other", [replace(PLACE, tenant="bank-b"), replace(PLACE, decision_id="d-2"), replace(PLACE, kind="outcome")]
)
def test_what_was_sealed_for_one_place_does_not_open_in_another(other: Place) -> None:
    stored = seal(CIPHER, KEY_ID, PLACE, part_of({}), NAMES)
    assert unseal(CIPHER, PLACE, stored).answer == b"{}"
    with pytest.raises(StorageUnavailable, match="does not open"):
        unseal(CIPHER, other, stored)


def test_the_names_that_were_taken_out_are_bound_to_it() -> None:
    stored = seal(CIPHER, KEY_ID, PLACE, part_of({"input_hash": "x"}), NAMES)
    with pytest.raises(StorageUnavailable):
        unseal(CIPHER, PLACE, replace(stored, request=stored.request.replace(b",input_hash", b",input_hush")))


def test_without_its_key_nothing_that_was_sealed_is_left() -> None:
    stored = seal(CIPHER, KEY_ID, PLACE, part_of({"decided_by": "li", "grade": "5"}, {"id_no": "1"}), NAMES)
    assert without_key(stored) == Part(b"{}", b'{"decided_by":null,"grade":"5"}', "", "")
    assert (key_id_of(stored.request), key_id_of(b"{}")) == (KEY_ID, None)


# ---- the file of keys --------------------------------------------------------------------------


def test_a_key_file_comes_back_as_it_was_made_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "subject.key"
    made = new_key_file(path)
    assert read_key_file(path) == made and path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        new_key_file(path)
    assert read_key_file(path) == made
    assert made.keys[made.current].hex() not in repr(made)


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"current":"a","keys":{},"names":"00"}', '{"current":"a","keys":{"a":"00"},"names":"00"}', "[1]"],
)
def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "subject.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(StorageUnavailable, match="holds no keys"):
        read_key_file(path)


def test_a_key_file_that_others_may_read_or_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "subject.key"
    with pytest.raises(StorageUnavailable, match="cannot be read"):
        read_key_file(path)
    new_key_file(path)
    path.chmod(0o640)
    if os.name == "posix":
        with pytest.raises(StorageUnavailable, match="0600"):
            read_key_file(path)


def test_a_data_key_opens_under_its_own_name_and_wrapping_key_only(tmp_path: Path) -> None:
    keys = new_key_file(tmp_path / "k")
    found = new_data_key(keys, "bank-a")
    assert len(keys.unwrap(found)) == 32 and found.wrapped != new_data_key(keys, "bank-a").wrapped
    for other in (replace(found, tenant="bank-b"), replace(found, key_id="f" * 32), replace(found, wrapped=b"short")):
        with pytest.raises(StorageUnavailable, match="cannot be unwrapped"):
            keys.unwrap(other)
    turned = keys.rotated()
    assert turned.unwrap(found) == keys.unwrap(found) and turned.current != keys.current
    assert turned.name_of("bank-a", "1") == keys.name_of("bank-a", "1") != keys.name_of("bank-b", "1")
    with pytest.raises(StorageUnavailable, match="does not hold the key"):
        turned.only_current().unwrap(found)


def test_unwrapped_keys_are_kept_in_a_bounded_number(tmp_path: Path) -> None:
    keys: KeyFile = new_key_file(tmp_path / "k")
    found: Wrapped = new_data_key(keys, "bank-a")
    assert keys.cipher(found) is read_key_file(tmp_path / "k").cipher(found)
    assert subject_keys._cipher.cache_info().maxsize == 4096


def test_a_key_file_that_is_replaced_is_read_again_and_one_that_is_taken_away_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "k"
    new_key_file(path)
    monkeypatch.setattr(subject_keys, "LOOK_SECONDS", 0.0)
    source = KeySource(path)
    before = source.now()
    assert source.now() is before
    before.rotated().write(path)
    assert source.now().current != before.current and set(source.now().keys) > set(before.keys)
    monkeypatch.setattr(subject_keys, "LOOK_SECONDS", 3600.0)
    held = source.now()
    held.rotated().write(path)
    turned = read_key_file(path).current
    assert source.now() is held, "not looked at again so soon"
    assert source.now(held.current) is held and turned in source.now(turned).keys, "unless a key is missed"
    monkeypatch.setattr(subject_keys, "LOOK_SECONDS", 0.0)
    path.unlink()
    with pytest.raises(StorageUnavailable, match="cannot be read"):
        source.now()
