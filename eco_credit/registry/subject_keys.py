"""Keys of the people a decision log is about, and the file of the keys that wrap them.

Each person (per tenant) has a data key of 32 random bytes. It is kept wrapped, by AES-256-GCM, under a
key-encryption key that lies in a file apart from the log::

    {"current": "<id>", "keys": {"<id>": "<64 hex>"}, "names": "<64 hex>"}

``names`` keys the HMAC-SHA-256 a person appears as in the table of data keys. It stays when the key-encryption key
is changed: the name of a person could not be worked out anew, as nothing keeps the identifier it is made of.
"""

from __future__ import annotations

import hmac
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import ModelNotServable, StorageUnavailable
from eco_credit.registry.files import parse_json, write_durably

KEY_BYTES = 32
NONCE_BYTES = 12
_ID_BYTES = 8
_NAME_BYTES = 16
LOOK_SECONDS = 0.05
"""How often a key file in use is looked at, at most."""
_MOST_OPEN = 4096
"""Data keys a process holds unwrapped."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key as it is kept.

    Attributes:
        tenant: bank or agency whose log the key belongs to.
        key_id: identifier of the data key, 32 hexadecimal digits of chance: it says nothing of the person.
        kek_id: which key-encryption key wraps it.
        wrapped: nonce and ciphertext, bound to ``tenant`` and ``key_id``.
    """

    tenant: str
    key_id: str
    kek_id: str
    wrapped: bytes


@dataclass(frozen=True)
class KeyFile:
    """The keys of a key file; not shown when printed.

    Attributes:
        current: identifier of the key-encryption key that wraps new data keys.
        keys: identifier to key-encryption key, 32 bytes each; older ones still unwrap what they wrapped.
        names: key of the names in the table, 32 bytes.
    """

    current: str
    keys: Mapping[str, bytes]
    names: bytes

    def __repr__(self) -> str:
        """The identifiers only."""
        return f"KeyFile(current={self.current!r}, keys={sorted(self.keys)})"

    def name_of(self, tenant: str, subject: str) -> str:
        """What a person of a tenant is called in the table: an HMAC that nobody without the file can work out."""
        return hmac.digest(self.names, f"{tenant}\n{subject}".encode(), "sha256").hex()

    def wrap(self, data_key: bytes, tenant: str, key_id: str) -> Wrapped:
        """Wrap a data key under the current key-encryption key."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = _wrapping(self.keys[self.current]).encrypt(nonce, data_key, _bound(tenant, key_id))
        return Wrapped(tenant, key_id, self.current, nonce + sealed)

    def unwrap(self, found: Wrapped) -> bytes:
        """The data key again.

        Raises:
            StorageUnavailable: the file does not hold the key it is wrapped under, or it is not what was wrapped.
        """
        return _unwrapped(self._of(found.kek_id), found)

    def cipher(self, found: Wrapped) -> AESGCM:
        """The cipher of a data key; the last ones used are kept unwrapped.

        Raises:
            StorageUnavailable: as `unwrap`.
        """
        return _cipher(self._of(found.kek_id), found)

    def _of(self, kek_id: str) -> bytes:
        key = self.keys.get(kek_id)
        if key is None:
            raise StorageUnavailable(f"the key file does not hold the key {kek_id}", f"密钥文件中没有密钥 {kek_id}")
        return key

    def rotated(self) -> KeyFile:
        """With a new current key-encryption key beside the older ones."""
        made = secrets.token_hex(_ID_BYTES)
        return replace(self, current=made, keys={**self.keys, made: secrets.token_bytes(KEY_BYTES)})

    def only_current(self) -> KeyFile:
        """Without the older key-encryption keys: what they wrapped can be read by nobody any more."""
        return replace(self, keys={self.current: self.keys[self.current]})

    def write(self, path: Path) -> None:
        """Replace the file in one step, readable by its owner alone."""
        keys = {name: key.hex() for name, key in self.keys.items()}
        write_durably(path, canonical_json({"current": self.current, "keys": keys, "names": self.names.hex()}), 0o600)


def _bound(tenant: str, key_id: str) -> bytes:
    return f"data key\n{tenant}\n{key_id}".encode()


@lru_cache(8)
def _wrapping(key: bytes) -> AESGCM:
    return AESGCM(key)


def _unwrapped(key: bytes, found: Wrapped) -> bytes:
    nonce, sealed = found.wrapped[:NONCE_BYTES], found.wrapped[NONCE_BYTES:]
    try:
        return _wrapping(key).decrypt(nonce, sealed, _bound(found.tenant, found.key_id))
    except (InvalidTag, ValueError) as error:
        raise StorageUnavailable("a data key cannot be unwrapped", "数据密钥无法解开") from error


@lru_cache(_MOST_OPEN)
def _cipher(key: bytes, found: Wrapped) -> AESGCM:
    return AESGCM(_unwrapped(key, found))


def new_data_key(keys: KeyFile, tenant: str) -> Wrapped:
    """A fresh data key under a fresh identifier."""
    drawn = secrets.token_bytes(KEY_BYTES + _NAME_BYTES)
    return keys.wrap(drawn[:KEY_BYTES], tenant, drawn[KEY_BYTES:].hex())


def new_key_file(path: Path) -> KeyFile:
    """Make a key file with one key-encryption key.

    Raises:
        FileExistsError: there is a file already; it is never overwritten, what it wrapped would be lost.
        OSError: it cannot be written.
    """
    made = secrets.token_hex(_ID_BYTES)
    keys = KeyFile(made, {made: secrets.token_bytes(KEY_BYTES)}, secrets.token_bytes(KEY_BYTES))
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    keys.write(path)
    return keys


def read_key_file(path: Path) -> KeyFile:
    """Read a key file.

    Raises:
        StorageUnavailable: no file, a file that others may read, or one that holds no keys.
    """
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise StorageUnavailable(
                "the file of subject keys can be read by others; set its mode to 0600", "密钥文件权限过宽，应为0600"
            )
        data = parse_json(path.read_bytes(), "of subject keys")
        keys = {str(name): bytes.fromhex(key) for name, key in data["keys"].items()}
        found = KeyFile(str(data["current"]), keys, bytes.fromhex(data["names"]))
    except OSError as error:
        raise StorageUnavailable("the file of subject keys cannot be read", "个人数据密钥文件无法读取") from error
    except (ModelNotServable, KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageUnavailable("the file of subject keys holds no keys", "个人数据密钥文件无效") from error
    if found.current not in keys or any(len(key) != KEY_BYTES for key in (*keys.values(), found.names)):
        raise StorageUnavailable("the file of subject keys holds no keys", "个人数据密钥文件无效")
    return found


class KeySource:
    """A key file that may be replaced while it is in use, as when its keys are changed."""

    def __init__(self, path: Path) -> None:
        """Read the file for the first time.

        Raises:
            StorageUnavailable: as `read_key_file`.
        """
        self._path = path
        self._read = (_stamp(path), read_key_file(path))
        self._looked = time.monotonic()

    def now(self, needed: str | None = None) -> KeyFile:
        """The keys as the file holds them, or held `LOOK_SECONDS` ago.

        Args:
            needed: identifier of a key-encryption key; where it is not known the file is looked at at once.

        Raises:
            StorageUnavailable: as `read_key_file`.
        """
        stamp, keys = self._read
        if time.monotonic() - self._looked < LOOK_SECONDS and (needed is None or needed in keys.keys):
            return keys
        if (now := _stamp(self._path)) != stamp:
            keys = read_key_file(self._path)
            self._read = (now, keys)
        self._looked = time.monotonic()
        return keys


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  (asked for each record)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
