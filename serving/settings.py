"""Settings of the service, read from the environment as ``ECO_CREDIT_*``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from eco_credit.core.errors import StorageUnavailable
from serving.access.settings import LoginSettings


def default_home() -> Path:
    """Folder used when ``ECO_CREDIT_HOME`` is not set: ``~/.eco-credit``, the demo store."""
    return Path.home() / ".eco-credit"


class Settings(BaseSettings):
    """Everything the service can be told from outside.

    Attributes:
        home: folder of the store: models served, keys, decisions.
        host: address to listen on.
        port: TCP port to listen on.
        model_name: registered model whose champion is served.
        overlay: YAML file with the lender's own rule values, or None.
        database_url: address of the PostgreSQL database that keeps the decisions, or None for a file in the store.
        database_url_file: file that holds that address, so that its password stands in no environment.
        checkpoints: folder outside the store where signed checkpoints of the decision log go, or None.
        checkpoint_seconds: how often a checkpoint is written, seconds.
        book: file with the lender's book (contract ``lender_book``), read at start, or None.
        access: ``keys`` asks every caller for a key or token, ``open`` asks nobody; ``auto`` is open on the
            demo store or a synthetic model only.
        login: how callers are known where they have to say who they are.
        web: serve the web page beside the API.
        max_body_bytes: largest request body, bytes.
        max_depth: deepest nesting of a JSON body, levels.
        max_values: most commas and opening brackets in a JSON body: a bound on its values.
        receive_timeout: longest time to receive one body, seconds.
        answer_timeout: longest time to compute and store one answer, seconds.
        max_in_flight: requests worked on at once; above it the answer is 503.
        journal_queue: records that may wait for the disk.
        refresh_seconds: how often the champion's pointer is looked at, seconds.
        reconcile: ask MLflow at start, in a child process, whether the champion moved.
    """

    model_config = SettingsConfigDict(
        env_prefix="ECO_CREDIT_", extra="ignore", frozen=True, protected_namespaces=()
    )

    home: Path = Field(default_factory=default_home)
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    model_name: str = Field("eco-credit", pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    overlay: Path | None = None
    database_url: SecretStr | None = None
    database_url_file: Path | None = None
    checkpoints: Path | None = None
    checkpoint_seconds: float = Field(3600.0, gt=0, le=3600)
    book: Path | None = None
    access: Literal["auto", "open", "keys"] = "auto"
    login: LoginSettings = Field(default_factory=LoginSettings)
    web: bool = True
    max_body_bytes: int = Field(1_000_000, ge=1_000)
    max_depth: int = Field(12, ge=2, le=100)
    max_values: int = Field(50_000, ge=10)
    receive_timeout: float = Field(10.0, gt=0)
    answer_timeout: float = Field(20.0, gt=0)
    max_in_flight: int = Field(128, ge=1)
    journal_queue: int = Field(512, ge=1)
    refresh_seconds: float = Field(2.0, gt=0)
    reconcile: bool = False

    @property
    def demo(self) -> bool:
        """True when nobody said where the store is, so that the demo store is used."""
        return "home" not in self.model_fields_set

    @property
    def decisions_path(self) -> Path:
        """The SQLite file with the decision log."""
        return self.home / "decisions.db"

    @property
    def decisions_address(self) -> Path | str:
        """Where the decision log is: `decisions_path`, or the address of a database.

        Raises:
            StorageUnavailable: the file that holds the address cannot be read.
        """
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        if self.database_url_file is not None:
            try:
                return self.database_url_file.read_text(encoding="utf-8").strip()
            except OSError as error:
                en, zh = "the file with the database address cannot be read", "数据库地址文件无法读取"
                raise StorageUnavailable(en, zh) from error
        return self.decisions_path
