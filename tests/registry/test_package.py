"""A package is served as it was signed, or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from package_samples import APPROVER, TRAINER, make_package, meta, package_files

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store, load_package, sign, write_package


@pytest.fixture
def approved(store: Store, folder: Path) -> Path:
    sign(folder, "approver", store.signer(APPROVER, "approver"))
    return folder


def test_a_package_signed_by_two_people_is_loaded(store: Store, approved: Path) -> None:
    package = load_package(approved, store.trusted())
    assert (package.name, package.trainer, package.approver) == ("eco-credit", TRAINER, APPROVER)
    assert package.synthetic and package.gate == {"status": "green"}
    assert package.digest == sha256((approved / "manifest.json").read_bytes())


def test_the_same_content_has_the_same_digest_and_another_seed_another(tmp_path: Path) -> None:
    files = package_files()
    one = write_package(tmp_path / "a", files, meta())
    assert write_package(tmp_path / "b", dict(reversed(files.items())), meta()) == one
    assert write_package(tmp_path / "c", files, meta(seed=8)) != one


def test_a_package_is_never_written_over_another(tmp_path: Path) -> None:
    write_package(tmp_path / "a", package_files(), meta())
    with pytest.raises(FileExistsError):
        write_package(tmp_path / "a", package_files(), meta())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_every_altered_byte_is_found(store: Store, approved: Path) -> None:
    rng = np.random.default_rng(11)
    for path in sorted(approved.iterdir()):
        whole = path.read_bytes()
        places = {0, len(whole) - 1, *rng.integers(0, len(whole), 12).tolist()}
        for place in places:
            path.write_bytes(
                whole[:place] + bytes([whole[place] ^ (1 << int(rng.integers(0, 8)))]) + whole[place + 1 :]
            )
            with pytest.raises(ModelNotServable):
                load_package(approved, store.trusted())
        for altered in (whole[:-1], whole + b" ", b""):
            path.write_bytes(altered)
            with pytest.raises(ModelNotServable):
                load_package(approved, store.trusted())
        path.write_bytes(whole)
    load_package(approved, store.trusted())


def add_file(folder: Path) -> None:
    (folder / "extra.json").write_text("{}")


def add_hidden_file(folder: Path) -> None:
    (folder / ".hidden").write_text("")


def add_folder(folder: Path) -> None:
    (folder / "more").mkdir()


def add_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def remove_file(folder: Path) -> None:
    (folder / "card.md").unlink()


def link_file(folder: Path) -> None:
    target = folder.parent / "pd.json"
    (folder / "pd.json").rename(target)
    (folder / "pd.json").symlink_to(target)


def swap_files(folder: Path) -> None:
    one, other = folder / "pd.json", folder / "lgd.json"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def swap_signatures(folder: Path) -> None:
    one, other = folder / "trainer.sig.json", folder / "approver.sig.json"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def unsign_training(folder: Path) -> None:
    (folder / "trainer.sig.json").unlink()


def unsign_approval(folder: Path) -> None:
    (folder / "approver.sig.json").unlink()


def rename_signer(folder: Path) -> None:
    path = folder / "approver.sig.json"
    path.write_bytes(canonical_json(json.loads(path.read_bytes()) | {"signer": "somebody"}))


@pytest.mark.parametrize(
    "tamper",
    [
        *(add_file, add_hidden_file, add_folder, add_pipe, remove_file, link_file, swap_files),
        *(swap_signatures, unsign_training, unsign_approval, rename_signer),
    ],
    ids=lambda tamper: tamper.__name__,
)
def test_a_tampered_folder_is_refused(store: Store, approved: Path, tamper: Callable[[Path], None]) -> None:
    tamper(approved)
    with pytest.raises(ModelNotServable):
        load_package(approved, store.trusted())


def test_signatures_of_another_package_do_not_fit(store: Store, approved: Path, tmp_path: Path) -> None:
    other = make_package(tmp_path / "other", store, slope=1.2)
    for name in ("trainer.sig.json", "approver.sig.json"):
        (other / name).write_bytes((approved / name).read_bytes())
    with pytest.raises(ModelNotServable):
        load_package(other, store.trusted())


def test_a_trainer_cannot_approve(store: Store, folder: Path) -> None:
    key = store.enrol(TRAINER, "approver")
    sign(folder, "approver", key)
    with pytest.raises(ModelNotServable, match="same person"):
        load_package(folder, store.trusted())


def test_a_second_key_of_the_trainer_cannot_approve(store: Store, folder: Path) -> None:
    key = store.enrol(" LI-trainer", "approver")
    sign(folder, "approver", key)
    with pytest.raises(ModelNotServable, match="same person"):
        load_package(folder, store.trusted())


def test_a_key_signs_only_in_the_role_it_is_trusted_for(store: Store, folder: Path) -> None:
    sign(folder, "approver", store.signer(TRAINER, "trainer"))
    with pytest.raises(ModelNotServable, match="not trusted"):
        load_package(folder, store.trusted())


def test_keys_of_another_store_are_not_trusted(approved: Path, tmp_path: Path) -> None:
    other = Store(tmp_path / "elsewhere")
    other.enrol(APPROVER, "approver")
    for trusted in (other.trusted(), {}):
        with pytest.raises(ModelNotServable, match="not trusted"):
            load_package(approved, trusted)


def test_without_trusted_keys_a_package_can_be_looked_at_but_not_approved(folder: Path) -> None:
    assert load_package(folder, None, False).approver == ""
    with pytest.raises(ModelNotServable, match="trusted keys"):
        load_package(folder, None)


def test_a_package_for_another_contract_is_refused(store: Store, approved: Path) -> None:
    with pytest.raises(ModelNotServable, match="contract"):
        load_package(approved, store.trusted(), contract="0" * 64)


def test_golden_rows_that_do_not_come_out_are_refused_though_properly_signed(store: Store, tmp_path: Path) -> None:
    files = package_files()
    golden = json.loads(files["golden.json"])
    golden["expected"]["logit"][0] = float.hex(np.nextafter(float.fromhex(golden["expected"]["logit"][0]), 1.0))
    folder = tmp_path / "off-by-one-bit"
    write_package(folder, files | {"golden.json": canonical_json(golden)}, meta())
    sign(folder, "trainer", store.signer(TRAINER, "trainer"))
    with pytest.raises(ModelNotServable, match="golden"):
        load_package(folder, store.trusted(), False)


@pytest.mark.parametrize(
    "text",
    [b'{"status": "red", "status": "green"}', b'{"status": NaN}', b"\xff", b"[" * 100_000, b""],
    ids=["key twice", "NaN", "not UTF-8", "nested without end", "empty"],
)
def test_unsound_json_is_refused_though_properly_signed(store: Store, tmp_path: Path, text: bytes) -> None:
    write_package(tmp_path / "p", package_files() | {"gate.json": text}, meta())
    sign(tmp_path / "p", "trainer", store.signer(TRAINER, "trainer"))
    with pytest.raises(ModelNotServable, match="gate"):
        load_package(tmp_path / "p", store.trusted(), False)


@pytest.mark.parametrize("name", ["../x.json", "manifest.json", "approver.sig.json", "X.json", ""])
def test_a_file_name_that_could_mislead_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelNotServable):
        write_package(tmp_path / "p", package_files() | {name: b"{}"}, meta())


def test_a_key_others_may_read_is_not_used(store: Store) -> None:
    (path,) = [path for path in store.keys.glob("*.key.json") if TRAINER.encode() in path.read_bytes()]
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(ModelNotServable, match="read by others"):
        store.signer(TRAINER, "trainer")


def test_a_private_key_is_not_shown(store: Store) -> None:
    key = store.signer(TRAINER, "trainer")
    assert key.private_key.hex() not in repr(key) and repr(key.private_key) not in repr(key)
