"""Detached signatures of packages and pointers: who signed what, in which role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import parse_json, write_durably
from eco_credit.registry.keys import ROLES, SigningKey, Trusted

SIGNATURE_FILES = {role: f"{role}.sig.json" for role in ROLES}
"""Role to the name of its signature file in a package."""


def signed(statement: dict[str, Any], key: SigningKey) -> dict[str, Any]:
    """A statement with signer, key id and signature over the canonical JSON of all the rest."""
    whole = statement | {"signer": key.owner, "key_id": key.key_id}
    return whole | {"signature": key.sign(canonical_json(whole)).hex()}


def check_signed(whole: Any, role: str, trusted: Trusted) -> dict[str, Any]:
    """Check a signed statement.

    Args:
        whole: decoded JSON as made by `signed`.
        role: role the key must be trusted for.
        trusted: key id to trusted key.

    Returns:
        The statement without its signature.

    Raises:
        ModelNotServable: an unknown key, a key without that role, another signer's name, or a signature that fails.
    """
    if not isinstance(whole, dict):
        raise _refused(role, "is not well formed", "格式无效")
    statement = {name: value for name, value in whole.items() if name != "signature"}
    key = trusted.get(str(statement.get("key_id")))
    if key is None or role not in key.roles:
        raise _refused(role, "comes from a key that is not trusted for this", "密钥不受信")
    if statement.get("signer") != key.owner:
        raise _refused(role, "names another person than the owner of the key", "签名人与密钥不符")
    try:
        text = str(whole.get("signature"))
        signature = bytes.fromhex(text)
        message = canonical_json(statement)
    except ValueError as error:
        raise _refused(role, "is not well formed", "格式无效") from error
    if signature.hex() != text or not key.verifies(message, signature):
        raise _refused(role, "does not fit what it signs", "验签失败")
    return statement


def _refused(role: str, en: str, zh: str) -> ModelNotServable:
    word = {"trainer": "训练", "approver": "批准", "recorder": "记录"}.get(role, role)
    return ModelNotServable(f"the {role} signature {en}", f"{word}签名{zh}")


def sign(folder: Path, role: str, key: SigningKey) -> dict[str, Any]:
    """Sign a package: writes ``<role>.sig.json`` beside its manifest.

    Args:
        folder: package folder.
        role: ``trainer`` or ``approver``.
        key: the signer's key.

    Returns:
        The signed statement ``{role, manifest_sha256, signer, key_id, signature}``.
    """
    manifest = (folder / "manifest.json").read_bytes()
    whole = signed({"role": role, "manifest_sha256": sha256(manifest)}, key)
    write_durably(folder / SIGNATURE_FILES[role], canonical_json(whole))
    return whole


def verify(manifest: bytes, signature: bytes | None, role: str, trusted: Trusted) -> dict[str, Any]:
    """Check the signature of a package in one role.

    Args:
        manifest: bytes of ``manifest.json``.
        signature: bytes of the signature file, None when there is none.
        role: ``trainer`` or ``approver``.
        trusted: key id to trusted key.

    Returns:
        The statement: ``role``, ``manifest_sha256``, ``signer``, ``key_id``.

    Raises:
        ModelNotServable: no signature, or one that is not good for this manifest and role.
    """
    if signature is None:
        raise _refused(role, "is missing", "缺失")
    whole = parse_json(signature, SIGNATURE_FILES[role])
    if not isinstance(whole, dict) or canonical_json(whole) != signature:
        # one signature has one spelling: nothing can be hidden in spaces or in the order of keys
        raise _refused(role, "is not written canonically", "书写不规范")
    statement = check_signed(whole, role, trusted)
    if statement.get("role") != role or statement.get("manifest_sha256") != sha256(manifest):
        raise _refused(role, "is for another package or role", "对应其他模型包或角色")
    return statement
