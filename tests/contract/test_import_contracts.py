"""Every import contract is proven by a violation: an injected import must break exactly the contract that forbids it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("src", "services", "lambdas", "emr_steps", "stacks", "localstack", "delivery", "costs", "clients", "pyproject.toml")
VIOLATIONS = {
    "Library layers": ("src/presage/stats/violation.py", "import presage.experiments.model"),
    "Library layers: a new room must be given a place": ("src/presage/lobby.py", ""),
    "Adapters never import each other": ("src/presage/adapters/sqs/violation.py", "import presage.adapters.s3"),
    "The domain knows no client, framework or environment": ("src/presage/features/violation.py", "import boto3"),
    "Clients and ORMs only in adapters": ("services/backend/violation.py", "import sqlalchemy"),
    "PySpark only in presage.spark and the steps": ("services/trainer/violation.py", "import pyspark"),
    "No deployable imports another": ("services/worker/violation.py", "import services.backend"),
    "The library imports no deployable and no stack": ("src/presage/runtime/violation.py", "import services.backend"),
    "Stacks know neither the library nor a deployable nor boto3": ("stacks/violation.py", "import presage.errors"),
    "Delivery knows neither the library nor a deployable nor a stack": ("delivery/violation.py", "import presage.errors"),
    "The rules of delivery call no client": ("delivery/errors.py", "import boto3"),
    "The Python client imports nothing of the platform": ("clients/python/presage_client/violation.py", "import presage.errors"),
    "The command line imports nothing of the platform": ("clients/cli/presage_cli/violation.py", "import presage.errors"),
}


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    environment = {"PYTHONPATH": f"{tree / 'src'}:{tree}:{tree / 'clients' / 'cli'}:{tree / 'clients' / 'python'}", "PATH": "/usr/bin:/bin"}
    return subprocess.run([linter, "--no-cache"], cwd=tree, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "cdk.out*"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def test_the_tree_keeps_its_contracts() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_violation_breaks_its_contract(contract: str, tree: Path) -> None:
    path, line = VIOLATIONS[contract]
    (tree / path).write_text(f'"""A violation."""\n\n{line}\n')

    result = lint_imports(tree)

    assert result.returncode != 0
    assert f"{contract.partition(':')[0]} BROKEN" in result.stdout
