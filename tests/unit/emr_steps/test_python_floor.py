"""Code that a step reaches runs on EMR's Python (docs/adr/0005)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STEPS = sorted(path.parent.name for path in (ROOT / "emr_steps").glob("*/step.py"))
FLOOR = "3.9"
REACHED = """
import importlib, sys
sys.path[:0] = ["src", "."]
importlib.import_module(f"emr_steps.{sys.argv[1]}.step")
files = {m.__file__ for n, m in sys.modules.items() if n.split(".")[0] in {"presage", "emr_steps"} and m.__file__}
print("\\n".join(sorted(files)))
"""


@pytest.fixture(scope="module", params=STEPS)
def reached(request: pytest.FixtureRequest) -> list[str]:
    """The project's files that importing a step loads."""
    command = [sys.executable, "-c", REACHED, request.param]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()


def test_a_step_reaches_only_code_that_emrs_python_understands(reached: list[str]) -> None:
    assert any(path.endswith("spark/files.py") for path in reached)
    vermin = [
        str(Path(sys.executable).parent / "vermin"),
        f"--target={FLOOR}-",
        "--violations",
        "--no-tips",
        "--eval-annotations",
        *reached,
    ]
    result = subprocess.run(vermin, cwd=ROOT, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_workers_run_only_code_that_emrs_python_understands() -> None:
    """What workers import only when they join by columns, with numpy and pyarrow (docs/adr/0035)."""
    folder = ROOT / "src/presage/spark/columnar"
    vermin = [
        str(Path(sys.executable).parent / "vermin"),
        f"--target={FLOOR}-",
        "--violations",
        "--no-tips",
        "--eval-annotations",
        str(folder),
    ]
    result = subprocess.run(vermin, cwd=ROOT, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_a_step_reaches_no_package_that_emr_lacks(reached: list[str]) -> None:
    missing = ("msgspec", "polars", "numpy", "boto3", "lmdb", "sklearn", "pandas", "pyarrow")
    for path in reached:
        lines = Path(path).read_text().splitlines()
        imports = [line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))]
        assert not set(imports) & set(missing), path
