"""Settings of the service, read from the environment as ``ECO_CREDIT_*``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
        book: file with the lender's book (contract ``lender_book``), read at start, or None.
        access: ``keys`` asks every caller for a key or token, ``open`` asks nobody; ``auto`` is open on the
            demo store or a synthetic model only.
        web: serve the web page beside the API.
        max_body_bytes: largest request body, bytes.
        max_depth: deepest nesting of a JSON body, levels.
        max_values: most commas and opening brackets in a JSON body: a bound on its values.
        receive_timeout: longest time to receive one body, seconds.
        header_timeout: longest time for the header of a request to arrive, seconds.
        answer_timeout: longest time to compute and store one answer, seconds.
        max_in_flight: requests worked on at once; above it the answer is 503.
        max_scores: ``POST /v1/scores`` worked on at once by one process during a burst.
        steady_scores: the same while a crowd lasts; above it the answer is 503 before the request is parsed, so that
            those who were let in are answered about as soon as ever.
        drain_seconds: how long a service that is told to stop says "not ready" before it closes its door, seconds.
        rate_per_minute: requests of one caller in a minute, 0 for no limit; when not told, 600 where callers log in
            and no limit on an open service. Each process counts for itself.
        otel: OTLP endpoint over HTTP that spans are sent to (extra ``otel``); None sends nothing.
        journal_queue: records that may wait for the disk.
        refresh_seconds: how often the champion's pointer is looked at, seconds.
        shadow: let the challenger, where one is promoted, score beside the champion.
        shadow_queue: decisions that may wait for the challenger; more are not shadowed, and counted.
        reconcile: ask MLflow at start, and every five minutes, in a child process, whether the champion moved.
    """

    model_config = SettingsConfigDict(
        env_prefix="ECO_CREDIT_", extra="ignore", frozen=True, protected_namespaces=()
    )

    home: Path = Field(default_factory=default_home)
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    model_name: str = Field("eco-credit", pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    overlay: Path | None = None
    book: Path | None = None
    access: Literal["auto", "open", "keys"] = "auto"
    web: bool = True
    max_body_bytes: int = Field(1_000_000, ge=1_000)
    max_depth: int = Field(12, ge=2, le=100)
    max_values: int = Field(50_000, ge=10)
    receive_timeout: float = Field(10.0, gt=0)
    header_timeout: float = Field(10.0, gt=0)
    answer_timeout: float = Field(20.0, gt=0)
    max_in_flight: int = Field(128, ge=1)
    max_scores: int = Field(64, ge=1)
    steady_scores: int = Field(8, ge=1)
    drain_seconds: float = Field(0.5, ge=0)
    rate_per_minute: int | None = Field(None, ge=0)
    otel: str | None = Field(None, pattern=r"^https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9/_.-]*)?$")
    journal_queue: int = Field(512, ge=1)
    refresh_seconds: float = Field(0.5, gt=0)
    shadow: bool = True
    shadow_queue: int = Field(256, ge=1)
    reconcile: bool = False

    @property
    def demo(self) -> bool:
        """True when nobody said where the store is, so that the demo store is used."""
        return "home" not in self.model_fields_set

    @property
    def decisions_path(self) -> Path:
        """The SQLite file with the decision log."""
        return self.home / "decisions.db"
