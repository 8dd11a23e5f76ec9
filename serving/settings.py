"""Settings of the service, from ``ECO_CREDIT_*``, a settings file and secret files.

What is said in more than one place is taken from the first of: arguments, environment, secret files, the file
that ``ECO_CREDIT_SETTINGS`` names (TOML, one key a setting).
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from eco_credit.core.errors import ContractError, StorageUnavailable, Violation
from serving.access.settings import LoginSettings

FILE_VARIABLE = "ECO_CREDIT_SETTINGS"
SECRETS_VARIABLE = "ECO_CREDIT_SECRETS"


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
        subject_key_file: file of the keys under which the log's personal data is sealed (`eco-credit audit keys new`);
            None seals nothing.
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
        job_bytes: largest file of a job, bytes.
        job_seconds: longest time to receive one, seconds.
        job_processes: jobs that run at once, each in a process of its own; 0 runs none here.
        job_waiting: jobs of one tenant that may wait or run.
        job_days: how long the results of a job are kept.
        reconcile: ask MLflow at start, and every five minutes, in a child process, whether the champion moved.
    """

    model_config = SettingsConfigDict(
        env_prefix="ECO_CREDIT_", extra="ignore", frozen=True, protected_namespaces=()
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then secret files, then the settings file; no ``.env``."""
        sources = [init_settings, env_settings]
        if folder := os.environ.get(SECRETS_VARIABLE):
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=folder, env_prefix="ECO_CREDIT_"))
        if file := os.environ.get(FILE_VARIABLE):
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=file))
        return tuple(sources)

    home: Path = Field(default_factory=default_home)
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    model_name: str = Field("eco-credit", pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    overlay: Path | None = None
    database_url: SecretStr | None = None
    database_url_file: Path | None = None
    subject_key_file: Path | None = None
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
    job_bytes: int = Field(256 << 20, ge=1_000)
    job_seconds: float = Field(300.0, gt=0)
    job_processes: int = Field(1, ge=0, le=64)
    job_waiting: int = Field(20, ge=1)
    job_days: int = Field(30, ge=1)
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


def read_settings(**given: object) -> Settings:
    """The settings, or a refusal that names each setting that is wrong.

    Args:
        given: settings that stand before every other source.

    Raises:
        ContractError: a value breaks a rule, a key of the settings file is unknown, or a file cannot be read.
    """
    faults = _file_faults()
    if faults:
        raise ContractError(faults)
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ContractError([_fault(one["loc"], one["msg"]) for one in error.errors(include_url=False)]) from None


def _fault(where: tuple[int | str, ...], message: str) -> Violation:
    name = f"ECO_CREDIT_{'.'.join(str(part) for part in where).upper()}"
    return Violation(name, "setting", message, "取值不符合要求，请核对设置项说明")


def _file_faults() -> list[Violation]:
    """What is wrong with the files that are named: a file that is named must be there, and must be understood."""
    folder, file = os.environ.get(SECRETS_VARIABLE), os.environ.get(FILE_VARIABLE)
    faults = []
    if folder and not Path(folder).is_dir():
        faults.append(Violation(SECRETS_VARIABLE, "folder", "there is no such folder", "没有该文件夹"))
    if file:
        try:
            known = tomllib.loads(Path(file).read_text(encoding="utf-8"))
        except OSError:
            return [*faults, Violation(FILE_VARIABLE, "file", "the file cannot be read", "设置文件无法读取")]
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            en, zh = "the file is not TOML in UTF-8", "设置文件不是 UTF-8 的 TOML"
            return [*faults, Violation(FILE_VARIABLE, "toml", en, zh)]
        unknown = sorted(set(known) - set(Settings.model_fields))
        faults += [Violation(name, "extra", "there is no such setting", "没有该设置项") for name in unknown]
    return faults
