"""The house keeps its shape: rooms, order, sizes, light imports, clean text."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("eco_credit", "training", "serving", "data_contracts")
MOST_LINES, MOST_BODY, MOST_ARGUMENTS = 400, 50, 8

pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="needs the repository, not the wheel")


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_no_file_is_longer_than_the_budget() -> None:
    long = {str(p.relative_to(ROOT)): n for p in modules() if (n := p.read_text("utf-8").count("\n") + 1) > MOST_LINES}
    assert long == {}


def test_no_function_body_is_longer_than_the_budget() -> None:
    long = {
        f"{p.relative_to(ROOT)}:{f.name}": n
        for p in modules()
        for f in functions(p)
        if (n := body_lines(f)) > MOST_BODY
    }
    assert long == {}


def test_positional_arguments_stay_few() -> None:
    """More than two arguments of which many are positional read badly; commands declare options as parameters."""
    many = {
        f"{p.relative_to(ROOT)}:{f.name}": len(f.args.args)
        for p in modules()
        if "cli" not in str(p)
        for f in functions(p)
        if len(f.args.args) > MOST_ARGUMENTS
    }
    assert many == {}


def test_library_code_does_not_print_or_assert() -> None:
    found = [
        f"{p.relative_to(ROOT)}:{node.lineno}"
        for p in modules()
        for node in ast.walk(ast.parse(p.read_text("utf-8")))
        if isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print")
    ]
    assert found == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(p.relative_to(ROOT))
        for p in modules()
        if len(ast.get_docstring(ast.parse(p.read_text("utf-8"))) or "") < 10
    ]
    assert silent == []


def test_the_architecture_page_names_every_room_and_keeps_the_order_of_the_import_contract() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rooms = sorted(p.name for p in (ROOT / "eco_credit").iterdir() if (p / "__init__.py").exists())
    assert [room for room in rooms if f"  {room}/" not in page] == []
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0][
        "layers"
    ]
    written = [
        line.strip() for line in page.split("## Which way imports run")[1].split("```")[1].splitlines() if line.strip()
    ]
    assert written == [layer.replace("eco_credit.", "") for layer in layers]
    assert {layer.removeprefix("eco_credit.") for layer in layers if layer.startswith("eco_credit.")} == set(rooms)


def test_the_import_contracts_have_no_exceptions() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    assert [c["name"] for c in contracts if "ignore_imports" in c] == []


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines()]


def test_no_tracked_file_names_a_package_index_or_a_path_of_one_machine() -> None:
    pattern = re.compile(r"index-" + r"url|/simp" + r"le/|/wo" + r"rk/|/fa" + r"rm/|bash_" + r"jobs")
    found = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        found += [f"{path.relative_to(ROOT)}: {m.group()}" for m in pattern.finditer(text)]
    assert found == []


HEAVY = ("mlflow", "shap", "optbinning", "matplotlib", "dask", "sklearn", "pandas", "lightgbm", "scipy.stats")


def loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import eco_credit") == set()


def test_importing_the_service_and_the_pipeline_loads_nothing_heavy() -> None:
    assert loaded_after("import serving.app, eco_credit.scoring.doors") == set()
