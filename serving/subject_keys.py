"""The key file of a service, and its records opened with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa

    from eco_credit.registry.subject_keys import KeySource
    from serving.audit.vault import Vault
    from serving.settings import Settings


def keys_of(settings: Settings) -> KeySource | None:
    """The keys under which the log's personal data is sealed; None where no key file is named.

    Raises:
        StorageUnavailable: the file that is named cannot be used.
    """
    if settings.subject_key_file is None:
        return None
    from eco_credit.registry.subject_keys import KeySource

    return KeySource(settings.subject_key_file)


def vault_of(settings: Settings, engine: sa.Engine) -> Vault:
    """What opens the records of a log.

    Raises:
        StorageUnavailable: the key file that is named cannot be used.
    """
    from serving.audit.statements import Statements
    from serving.audit.vault import Vault

    return Vault(Statements(engine.dialect), keys_of(settings))
