"""Ed25519 keys: one private key per person, one list of the public keys that are trusted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import parse_json, write_durably

TRAINER = "trainer"
APPROVER = "approver"
ROLES = (TRAINER, APPROVER)
RECORDER = "recorder"
"""Signs checkpoints of the decision log, never a package."""
_KEY_ROLES = frozenset({*ROLES, RECORDER})


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A person's private key.

    Attributes:
        owner: the person.
        private_key: 32 bytes; not shown when printed.
    """

    owner: str
    private_key: bytes

    def __repr__(self) -> str:
        """Owner and key id only."""
        return f"SigningKey(owner={self.owner!r}, key_id={self.key_id!r})"

    @property
    def public_key(self) -> bytes:
        """The public key, 32 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.private_key).public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the public key."""
        return key_id(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature, 64 bytes; the same message always gives the same signature."""
        return Ed25519PrivateKey.from_private_bytes(self.private_key).sign(message)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key on the list: whose it is and what it may sign.

    Attributes:
        public_key: 32 bytes.
        roles: ``trainer``, ``approver`` or both (never both on one package), or ``recorder``.
        owner: the person.
    """

    public_key: bytes
    roles: tuple[str, ...]
    owner: str

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """True when the signature of the message is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


Trusted = Mapping[str, TrustedKey]


def key_id(public_key: bytes) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a public key."""
    return sha256(public_key)[:16]


def create_key(path: Path, owner: str) -> SigningKey:
    """Make a private key and write it, readable by its owner alone (mode 0600).

    Raises:
        FileExistsError: there is a file already; a key is never overwritten.
    """
    key = SigningKey(owner, Ed25519PrivateKey.generate().private_bytes_raw())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(canonical_json({"owner": owner, "private_key": key.private_key.hex()}))
        file.flush()
        os.fsync(file.fileno())
    return key


def load_key(path: Path) -> SigningKey:
    """Read a private key.

    Raises:
        ModelNotServable: no file, a file others may read, or a file that is no key.
    """
    if not path.is_file():
        raise ModelNotServable("there is no signing key of that person", "没有该人员的签名密钥")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise ModelNotServable("the key file can be read by others; set its mode to 0600", "密钥文件权限过宽，应为0600")
    data = parse_json(path.read_bytes(), path.name)
    try:
        key = SigningKey(str(data["owner"]), bytes.fromhex(data["private_key"]))
        _ = key.public_key
    except (KeyError, TypeError, ValueError) as error:
        raise ModelNotServable("the key file holds no key", "密钥文件无效") from error
    return key


def read_trusted(path: Path) -> dict[str, TrustedKey]:
    """Read the list of trusted keys, ``{key_id: {public_key, roles, owner}}``; empty when there is no file.

    Raises:
        ModelNotServable: the list is not well formed, or an id does not belong to its key.
    """
    if not path.is_file():
        return {}
    try:
        found = {
            name: TrustedKey(bytes.fromhex(item["public_key"]), tuple(item["roles"]), str(item["owner"]))
            for name, item in parse_json(path.read_bytes(), path.name).items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelNotServable("the list of trusted keys is not sound", "受信密钥清单无效") from error
    if any(key_id(key.public_key) != name or not set(key.roles) <= _KEY_ROLES for name, key in found.items()):
        raise ModelNotServable("the list of trusted keys is not sound", "受信密钥清单无效")
    return found


def trust(path: Path, public_key: bytes, owner: str, roles: Iterable[str]) -> None:
    """Put a public key on the list, or add roles to it.

    Raises:
        ModelNotServable: an unknown role, or a key that is on the list for someone else.
    """
    keys, name = read_trusted(path), key_id(public_key)
    before = keys.get(name)
    if not set(roles) <= _KEY_ROLES or (before is not None and before.owner != owner):
        raise ModelNotServable("unknown role, or a key of another person", "角色未知或密钥属于他人")
    held = sorted({*roles, *(before.roles if before is not None else ())})
    keys[name] = TrustedKey(public_key, tuple(held), owner)
    listed = {
        name: {"public_key": key.public_key.hex(), "roles": list(key.roles), "owner": key.owner}
        for name, key in keys.items()
    }
    write_durably(path, canonical_json(listed))
