"""The files a bank deploys with: they say what the code says, keep ports inside and hold no secret."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from serving.access.settings import LoginSettings
from serving.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
UNIT = (DEPLOY / "eco-credit.service").read_text(encoding="utf-8")
OTHER_VARIABLES = {"ECO_CREDIT_SECRETS", "ECO_CREDIT_SETTINGS", "ECO_CREDIT_MLFLOW_URI"}


def plain(name: str) -> str:
    return re.split(r"[\[<>=!~; ]", name, maxsplit=1)[0].lower()


def test_the_serving_image_installs_only_what_the_project_names_and_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [one for name in ("postgres", "oidc") for one in project["optional-dependencies"][name]]
    named = {plain(one) for one in [*project["dependencies"], *extras, "numpy"]}
    pinned = {plain(one) for one in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()}
    lines = (DEPLOY / "requirements-serving.txt").read_text(encoding="utf-8").splitlines()
    wanted = {plain(one) for one in lines if one and not one.startswith("#")}
    assert wanted <= named & pinned
    assert not wanted & {"mlflow", "pandas", "scikit-learn", "lightgbm", "pandera"}


def test_the_lock_holds_what_the_image_needs_in_the_pinned_versions_and_each_by_digest() -> None:
    text = (DEPLOY / "serving.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z]+\])?==(\S+)", text, re.MULTILINE))
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", constraints, re.MULTILINE))  # some by version of Python
    lines = (DEPLOY / "requirements-serving.txt").read_text(encoding="utf-8").splitlines()
    assert {plain(one) for one in lines if one and not one.startswith("#")} <= locked.keys()
    assert locked.items() <= pinned
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) == len(locked) and all("--hash=sha256:" in entry for entry in entries)


def test_every_setting_the_files_use_is_one() -> None:
    fields = [*Settings.model_fields, *LoginSettings.model_fields]
    known = {f"ECO_CREDIT_{name.upper()}" for name in fields} | OTHER_VARIABLES
    for file in ("Dockerfile", "eco-credit.service"):
        used = set(re.findall(r"ECO_CREDIT_[A-Z_]*[A-Z]", (DEPLOY / file).read_text(encoding="utf-8")))
        assert used <= known, file
    for service in COMPOSE["services"].values():
        ours = {name for name in service.get("environment", {}) if name.startswith("ECO_CREDIT_")}
        assert ours <= known


def test_nothing_is_published_beyond_this_machine_and_no_password_is_written_down() -> None:
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        for key, value in service.get("environment", {}).items():
            assert "PASSWORD" not in key or key.endswith("_FILE")
            assert "://" not in str(value) or "@" not in str(value)
    assert COMPOSE["networks"]["inner"] == {"internal": True}
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())


def test_the_service_waits_longer_for_the_drain_than_the_server_needs() -> None:
    from serving import server

    waits = int(re.search(r"TimeoutStopSec=(\d+)", UNIT).group(1))  # type: ignore[union-attr]
    grace = int(COMPOSE["services"]["api"]["stop_grace_period"].rstrip("s"))
    assert min(waits, grace) > server._SHUTDOWN_SECONDS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "eco-credit.service"
    unit.write_text(UNIT.replace("/opt/eco-credit/bin/eco-credit", shutil.which("true") or ""), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "eco-credit.service" in line]
    assert not complaints
