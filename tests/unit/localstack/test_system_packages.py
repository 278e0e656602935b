import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from localstack import system_packages
from localstack.places import ROOT
from localstack.program import StartError
from localstack.system_packages import Requirement

ABSENT = (Requirement("one", "a thing", lambda: False), Requirement("two", "another", lambda: False))


def write_program(folder: Path, name: str, *lines: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    (folder / name).chmod(0o755)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_list_of_packages_holds_what_the_launcher_requires() -> None:
    listed = (ROOT / "localstack" / "debian-packages.txt").read_text().split()

    assert listed == ["python3", "python3-venv", *(requirement.package for requirement in system_packages.REQUIREMENTS)]


def test_without_apt_the_exact_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StartError, match=r"run as root: apt-get install -y --no-install-recommends one two$"):
        system_packages.install(ABSENT, say=print)


def test_setup_without_a_python_names_every_package_at_once(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "localstack").mkdir(parents=True)
    script = (ROOT / "localstack" / "setup.sh").read_text().replace("/usr/bin/python3 ", "")
    (root / "localstack" / "setup.sh").write_text(script)
    packages = (ROOT / "localstack" / "debian-packages.txt").read_text()
    (root / "localstack" / "debian-packages.txt").write_text(packages)
    tools = tmp_path / "bin"
    write_program(tools, "id", "echo 1000")
    for name in ("dirname", "tr", "sh"):
        (tools / name).symlink_to(Path("/usr/bin", name))

    result = subprocess.run(
        ["/bin/sh", str(root / "localstack" / "setup.sh")], env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )

    assert result.returncode == 1
    assert result.stderr.strip().endswith(f"run as root: apt-get install -y --no-install-recommends {' '.join(packages.split())}")


def test_ctrl_c_lets_apt_end_by_itself(tmp_path: Path) -> None:
    """Killed between two packages it would block every later installation."""
    tools, began, ended = tmp_path / "bin", tmp_path / "began", tmp_path / "ended"
    write_program(tools, "apt-get", f"trap 'sleep 0.5; touch {ended}; exit 100' INT", f"touch {began}", "while :; do sleep 0.05; done")
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a shell lets its background jobs ignore it
    code = f"{heed}; from localstack import system_packages; system_packages._run_apt([{str(tools / 'apt-get')!r}, 'install'], say=print)"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True)
    wait_for(began.exists)

    os.killpg(process.pid, signal.SIGINT)
    _output, errors = process.communicate(timeout=20)

    assert ended.exists()
    assert b"KeyboardInterrupt" in errors
