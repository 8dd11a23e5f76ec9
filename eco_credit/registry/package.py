"""Model packages: written once, signed twice, verified before anything in them is read.

A package is a folder of plain files with a manifest that names every one of them with its SHA-256.
Its digest is the SHA-256 of the manifest; no time of day is in it, so the same plan, data and seed
give the same digest. Loading reads each file once into memory, checks those bytes, and parses those
bytes: nothing on disk can change in between.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import FILE_NAME, flush_folder, identifier, parse_json
from eco_credit.registry.golden import check_golden
from eco_credit.registry.keys import APPROVER, TRAINER, Trusted
from eco_credit.registry.signature import SIGNATURE_FILES, verify
from eco_credit.risk import PARTS, ModelBundle
from eco_credit.risk.checks import mapping, member, real, word

MANIFEST = "manifest.json"
NEEDED = (*PARTS, "golden.json", "gate.json")
"""Files a package must have."""
MAX_FILES, MAX_BYTES = 64, 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PackageMeta:
    """What stands in a manifest besides the files.

    Attributes:
        name: registered model name.
        contract: ``{name, version, digest}`` of the feature contract.
        rules: ``{day, digest}`` of the rules the training read.
        data: ``{digest, rows, ...}`` of the training data.
        seed: seed of the training.
        code_version: version of this software.
        libraries: library to version.
        synthetic: True when trained on synthetic data.
        plan: digest of the training plan, and whatever else identifies the training.
    """

    name: str
    contract: Mapping[str, str]
    rules: Mapping[str, str]
    data: Mapping[str, Any]
    seed: int
    code_version: str
    libraries: Mapping[str, str]
    synthetic: bool
    plan: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Package:
    """A verified package.

    Attributes:
        name: registered model name.
        version: version in the registry, or the first digits of the digest outside one.
        digest: SHA-256 of the manifest.
        bundle: the models.
        synthetic: True when trained on synthetic data.
        folder: where it was read from.
        gate: record of the gates at training.
        manifest: the whole manifest.
        files: verified bytes of every file, signatures and manifest included.
        trainer: who trained it; empty where signatures were not checked.
        approver: who approved it; empty where nobody did or signatures were not checked.
    """

    name: str
    version: str
    digest: str
    bundle: ModelBundle
    synthetic: bool
    folder: Path
    gate: Mapping[str, Any]
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    trainer: str = ""
    approver: str = ""


def write_package(folder: Path, files: Mapping[str, bytes], meta: PackageMeta) -> str:
    """Write a package folder in one step, unsigned.

    Args:
        folder: the folder to make; it may not exist yet.
        files: file name to bytes, at least `NEEDED`.
        meta: the rest of the manifest.

    Returns:
        Digest of the package: SHA-256 of its manifest.

    Raises:
        ModelNotServable: a needed file is missing or a name is not allowed.
        FileExistsError: the folder is there already.
    """
    missing = [name for name in NEEDED if name not in files]
    reserved = {MANIFEST, *SIGNATURE_FILES.values()} & set(files)
    if missing or reserved or not all(FILE_NAME.fullmatch(name) for name in files):
        raise ModelNotServable(f"files missing or misnamed: {missing or sorted(reserved)}", "文件缺失或命名不合规")
    identifier(meta.name)
    listed = {name: {"sha256": sha256(data), "size": len(data)} for name, data in files.items()}
    manifest = canonical_json(asdict(meta) | {"schema": 1, "files": listed})
    write_folder(folder, {**files, MANIFEST: manifest})
    return sha256(manifest)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a new folder that appears complete or not at all.

    Raises:
        FileExistsError: the folder is there already.
    """
    if folder.exists():
        raise FileExistsError(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".writing-"))
    try:
        for name, data in sorted(files.items()):
            with (temporary / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(0o755)
        flush_folder(temporary)
        temporary.replace(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    flush_folder(folder.parent)


def load_package(
    folder: Path,
    trusted: Trusted | None,
    require_approval: bool = True,
    *,
    contract: str | None = None,
    version: str | None = None,
) -> Package:
    """Verify and load a package.

    Args:
        folder: package folder.
        trusted: key id to trusted key. None checks digests only, for looking at a package on the bench; it cannot be
            combined with ``require_approval``.
        require_approval: also ask for an approver, who must not be the trainer.
        contract: digest the feature contract must have; None takes the running contract of the manifest's name.
        version: version to record on the package.

    Returns:
        The package, every file of it checked and parsed from memory.

    Raises:
        ModelNotServable: any defect at all; the message says which.
    """
    files = read_folder(folder)
    manifest_bytes = files.get(MANIFEST, b"")
    trainer, approver = _signers(files, manifest_bytes, trusted, require_approval)
    manifest = mapping(parse_json(manifest_bytes, MANIFEST), MANIFEST)
    _check_files(manifest, files)
    _check_contract(manifest, contract)
    parsed = {name: parse_json(files[name], name) for name in NEEDED}
    bundle = ModelBundle.parse(parsed)
    check_golden(bundle, parsed["golden.json"])
    digest = sha256(manifest_bytes)
    return Package(
        name=identifier(word(member(manifest, "name", MANIFEST), MANIFEST)),
        version=version or digest[:12],
        digest=digest,
        bundle=bundle,
        synthetic=member(manifest, "synthetic", MANIFEST) is not False,
        folder=folder,
        gate=mapping(parsed["gate.json"], "gate.json"),
        manifest=manifest,
        files=files,
        trainer=trainer,
        approver=approver,
    )


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read every file of a package folder once.

    Raises:
        ModelNotServable: no folder, a link, a folder or another thing inside, a strange name, too many or too large
            files.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        if len(entries) > MAX_FILES:
            raise ModelNotServable("the package holds too many files", "模型包文件过多")
        return {entry.name: _read_once(Path(entry.path)) for entry in entries}
    except OSError as error:
        raise ModelNotServable("the package cannot be read", "模型包无法读取") from error


def _read_once(path: Path) -> bytes:
    if not FILE_NAME.fullmatch(path.name):
        raise ModelNotServable("the package holds a file with a strange name", "模型包含命名异常的文件")
    # O_NOFOLLOW refuses a link, O_NONBLOCK keeps a pipe from stopping us before fstat has seen what it is
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if path.is_symlink():
        raise ModelNotServable(f"{path.name} is a link", f"{path.name} 是链接")
    descriptor = os.open(path, flags)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            raise ModelNotServable(f"{path.name} is no plain file of sensible size", f"{path.name} 不是合规文件")
        return file.read(MAX_BYTES + 1)


def _signers(
    files: Mapping[str, bytes], manifest: bytes, trusted: Trusted | None, require_approval: bool
) -> tuple[str, str]:
    """Names of trainer and approver, after checking their signatures."""
    if trusted is None:
        if require_approval:
            raise ModelNotServable("no list of trusted keys: nothing can be approved", "没有受信密钥清单")
        return "", ""
    trainer = verify(manifest, files.get(SIGNATURE_FILES[TRAINER]), TRAINER, trusted)
    if not require_approval and SIGNATURE_FILES[APPROVER] not in files:
        return str(trainer["signer"]), ""
    approver = verify(manifest, files.get(SIGNATURE_FILES[APPROVER]), APPROVER, trusted)
    if same_person(trainer["signer"], approver["signer"]) or trainer["key_id"] == approver["key_id"]:
        raise ModelNotServable("trainer and approver are the same person", "训练人与批准人不得为同一人")
    return str(trainer["signer"]), str(approver["signer"])


def same_person(one: str, other: str) -> bool:
    """True when two names are the same but for case, spaces and width of letters.

    Who acts on the desk is named ``user@tenant``; a name without a tenant is the same person as that user of any.

    Example:
        >>> same_person("Li Wei", "ＬＩ wei"), same_person("Li Wei", "Li Wen")
        (True, False)
        >>> same_person("li", "li@bank-a"), same_person("li@bank-b", "li@bank-a"), same_person("", "li")
        (True, False, False)
    """
    a, b = ("".join(unicodedata.normalize("NFKC", name).split()).casefold() for name in (one, other))
    if "@" in a and "@" in b:
        return a == b
    return (a.rpartition("@")[0] or a) == (b.rpartition("@")[0] or b)


def _check_files(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    real(member(manifest, "schema", MANIFEST), f"{MANIFEST}.schema", 1, 1)
    listed = mapping(member(manifest, "files", MANIFEST), f"{MANIFEST}.files")
    beside = {MANIFEST, *SIGNATURE_FILES.values()}
    extra = sorted(set(files) - set(listed) - beside)
    missing = sorted((set(listed) | set(NEEDED)) - set(files))
    if extra or missing or set(listed) & beside:
        raise ModelNotServable(f"files not in the manifest: {extra}, missing: {missing}", "文件与清单不符")
    for name, entry in listed.items():
        if sha256(files[name]) != mapping(entry, name).get("sha256") or len(files[name]) != entry.get("size"):
            raise ModelNotServable(f"{name} has been altered", f"{name} 已被改动")


def _check_contract(manifest: Mapping[str, Any], expected: str | None) -> None:
    made_for = mapping(member(manifest, "contract", MANIFEST), f"{MANIFEST}.contract")
    name = word(member(made_for, "name", MANIFEST), MANIFEST)
    if member(made_for, "digest", MANIFEST) != (expected if expected is not None else running_contract(name)):
        raise ModelNotServable(
            f"the package was made for another version of the contract {name}; train it again",
            f"模型包对应另一版本的数据契约 {name}，请重新训练",
        )


def running_contract(name: str) -> str:
    """Digest of a data contract of this installation.

    Raises:
        ModelNotServable: there is no such contract.
    """
    from eco_credit.contracts import contract

    try:
        return str(contract(name).digest)
    except (KeyError, ValueError, OSError) as error:
        raise ModelNotServable(f"there is no contract {name} here", f"没有数据契约 {name}") from error
