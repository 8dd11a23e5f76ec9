"""Settings come from arguments, environment, secret files and a file, in this order; what is wrong is named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eco_credit.core.errors import ContractError
from serving.settings import FILE_VARIABLE, SECRETS_VARIABLE, read_settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file that is named in the environment."""
    path = tmp_path / "settings.toml"
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    return path


def named(error: ContractError) -> list[tuple[str, str]]:
    return [(one.field, one.rule) for one in error.violations]


def test_the_first_of_argument_environment_secret_and_file_counts(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('port = 1\nmax_depth = 31\nmodel_name = "of-file"\nhome = "/of/file"\n')
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "ECO_CREDIT_MODEL_NAME").write_text("of-secret")
    monkeypatch.setenv(SECRETS_VARIABLE, str(secrets))
    monkeypatch.setenv("ECO_CREDIT_MAX_DEPTH", "32")
    monkeypatch.delenv("ECO_CREDIT_HOME", raising=False)
    found = read_settings(port=4)
    assert (found.port, found.max_depth, found.model_name, str(found.home)) == (4, 32, "of-secret", "/of/file")
    assert not found.demo  # a store named in the file is not the demo store


def test_an_unknown_key_of_the_file_is_named(file: Path) -> None:
    file.write_text("prot = 8000\n")
    with pytest.raises(ContractError) as refused:
        read_settings()
    assert named(refused.value) == [("prot", "extra")]


@pytest.mark.parametrize("text", ["port: 8000", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_refused(file: Path, text: str | bytes) -> None:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ContractError) as refused:
        read_settings()
    assert named(refused.value) == [(FILE_VARIABLE, "toml")]


def test_a_file_or_folder_that_is_named_must_be_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRETS_VARIABLE, str(file.parent / "none"))
    with pytest.raises(ContractError) as refused:
        read_settings()
    assert named(refused.value) == [(SECRETS_VARIABLE, "folder"), (FILE_VARIABLE, "file")]


def test_a_wrong_value_is_a_sentence_and_not_a_stack_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECO_CREDIT_PORT", "abc")
    command = [sys.executable, "-c", "from serving.cli import main; main()", "serve", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert [one["field"] for one in json.loads(done.stdout)["errors"]] == ["ECO_CREDIT_PORT"]
    assert "Traceback" not in done.stderr
