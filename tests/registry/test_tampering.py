"""Thousands of altered packages, none of which is served and none of whose content is parsed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from package_samples import APPROVER, TRAINER, make_package

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store, load_package, served, sign
from eco_credit.registry.promote import Approval, install

SEED, PER_FILE = 20_261_125, 260
SIGNATURES = ("trainer.sig.json", "approver.sig.json")


@pytest.fixture
def approved(store: Store, folder: Path) -> Path:
    sign(folder, "approver", store.signer(APPROVER, "approver"))
    return folder


def altered(whole: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    """The same bytes with one byte changed, in as many places as there are, at most `PER_FILE`; and cut, and longer."""
    for place in rng.permutation(len(whole))[:PER_FILE].tolist():
        other = (whole[place] + int(rng.integers(1, 256))) % 256
        yield whole[:place] + bytes([other]) + whole[place + 1 :]
    yield whole[:-1]
    yield whole + b"\n"


def refusal(folder: Path, store: Store) -> str:
    with pytest.raises(ModelNotServable) as caught:
        load_package(folder, store.trusted())
    return caught.value.en


def test_two_thousand_packages_altered_in_one_byte_are_refused_before_anything_in_them_is_parsed(
    store: Store, approved: Path
) -> None:
    rng, found = np.random.default_rng(SEED), Counter[str]()
    for path in sorted(approved.iterdir()):
        whole = path.read_bytes()
        for data in altered(whole, rng):
            path.write_bytes(data)
            said = refusal(approved, store)
            # a changed file is known by its digest, a changed manifest by its signature: both before any parser
            if path.name == "manifest.json":
                assert said == "the trainer signature is for another package or role"
            elif path.name not in SIGNATURES:
                assert said == f"{path.name} has been altered"
            found[path.name] += 1
        path.write_bytes(whole)
    load_package(approved, store.trusted())
    print(f"seed {SEED}: {found.total()} altered packages, {found.total()} refused: {dict(found)}")
    assert found.total() >= 2_000


def test_a_file_that_is_gone_new_or_renamed_is_refused_whichever_it_is(store: Store, approved: Path) -> None:
    for path in sorted(approved.iterdir()):
        whole, other = path.read_bytes(), approved / f"x{path.name}"
        path.unlink()
        refusal(approved, store)
        other.write_bytes(whole)
        refusal(approved, store)
        path.write_bytes(whole)
        refusal(approved, store)
        other.unlink()
        load_package(approved, store.trusted())


def test_a_signature_of_a_later_approval_does_not_open_an_earlier_package(
    store: Store, approved: Path, tmp_path: Path
) -> None:
    later = make_package(tmp_path / "later", store, slope=1.2)
    sign(later, "approver", store.signer(APPROVER, "approver"))
    for name in SIGNATURES:
        mine = (approved / name).read_bytes()
        (approved / name).write_bytes((later / name).read_bytes())
        assert "another package" in refusal(approved, store)
        (approved / name).write_bytes(mine)
    load_package(approved, store.trusted())


def test_an_old_package_put_where_the_new_one_was_is_refused(store: Store, tmp_path: Path) -> None:
    """R21: an old package is sound and twice signed, and yet is not what the pointer names."""
    kept = []
    for version, slope in ((1, 1.1), (2, 1.2)):
        place = make_package(tmp_path / f"v{version}", store, slope=slope)
        package = load_package(place, store.trusted(), False, version=str(version))
        install(store, package, Approval(APPROVER, f"version {version}"))
        kept.append(store.served_folder("eco-credit") / package.digest)
    old, new = kept
    for path in sorted(new.iterdir()):
        path.write_bytes((old / path.name).read_bytes())
    load_package(new, store.trusted())
    with pytest.raises(ModelNotServable, match="not the one that was promoted"):
        served(store, "eco-credit")


def test_keys_taken_from_the_list_close_what_they_signed(store: Store, approved: Path) -> None:
    load_package(approved, store.trusted())
    for owner in (TRAINER, APPROVER):
        fewer = {name: key for name, key in store.trusted().items() if key.owner != owner}
        with pytest.raises(ModelNotServable, match="not trusted"):
            load_package(approved, fewer)
