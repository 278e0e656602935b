"""Each deployable imports with nothing installed but what it declares."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.constructs.bundles import export_requirements
from tests.fixtures.synthesis import ROOT

pytestmark = pytest.mark.integration

ENTRIES = ("app.py", "handler.py", "step.py")
# A handler or a bootstrap reads its environment when it is imported: so what each module imports is imported, and not the module itself.
CHECK = """
import ast, importlib, sys
for name in sys.argv[1:]:
    path = name.replace(".", "/") + ".py"
    for node in ast.walk(ast.parse(open(path).read())):
        if isinstance(node, ast.ImportFrom) and node.module:
            importlib.import_module(node.module)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
"""


def list_deployables() -> list[str]:
    found = [path.parent for path in ROOT.glob("*/*/pyproject.toml") if path.parent.parent.name in {"services", "lambdas", "emr_steps"}]
    return sorted(str(folder.relative_to(ROOT)) for folder in found)


@pytest.mark.parametrize("deployable", list_deployables())
def test_deployable_imports_only_what_it_declares(deployable: str, tmp_path: Path) -> None:
    folder = ROOT / deployable
    assert any((folder / entry).exists() for entry in ENTRIES), f"{deployable} has no entry"
    done = import_everything(folder, tmp_path, requirements=export_requirements(folder))
    assert done.returncode == 0, done.stderr


def test_a_forgotten_dependency_is_noticed(tmp_path: Path) -> None:
    done = import_everything(ROOT / "lambdas" / "land_records", tmp_path, requirements="")
    assert done.returncode != 0
    assert "ModuleNotFoundError" in done.stderr


def import_everything(folder: Path, place: Path, *, requirements: str) -> "subprocess.CompletedProcess[str]":
    """Import what the deployable's modules import, from a tree of its own with these requirements only."""
    deployable = folder.relative_to(ROOT)
    modules = [path for path in sorted(folder.rglob("*.py")) if path.name != "__init__.py"]
    python = build_environment(place, requirements)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "presage", place / "tree" / "presage", ignore=ignored)
    shutil.copytree(folder, place / "tree" / deployable, ignore=ignored)
    (place / "tree" / deployable.parent / "__init__.py").touch()
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules]
    return subprocess.run([python, "-c", CHECK, *names], cwd=place / "tree", capture_output=True, text=True, check=False)


def build_environment(folder: Path, requirements: str) -> str:
    """Return the interpreter of a new environment with the requirements and nothing else."""
    environment, file = folder / "environment", folder / "requirements.txt"
    file.write_text(requirements)
    uv = shutil.which("uv") or str(ROOT / ".cache" / "uv-venv" / "bin" / "uv")
    commands = [
        [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(environment)],
        [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(environment), "--requirements", str(file)],
    ]
    for command in commands:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return str(environment / "bin" / "python")
