"""The programs that come from the system: found, installed by apt when root, else asked for by the exact command."""

import ctypes.util
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from localstack import mariadb, postgres
from localstack.program import StartError


@dataclass(frozen=True)
class Requirement:
    """A Debian package and how to tell that what it brings is there."""

    package: str
    purpose: str
    is_met: Callable[[], bool]


def _finds(find: Callable[[], object]) -> bool:
    try:
        find()
    except StartError:
        return False
    return True


def java_major() -> int | None:
    """Return the major version of the java on the path."""
    java = shutil.which("java")
    if java is None:
        return None
    text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    digits = text.partition('"')[2].partition(".")[0]
    return int(digits) if digits.isdigit() else None


REQUIREMENTS = (
    Requirement(mariadb.PACKAGE, "MariaDB, in place of RDS MySQL", lambda: _finds(mariadb.find_server)),
    Requirement(postgres.PACKAGE, "PostgreSQL, in place of Redshift", lambda: _finds(postgres.find_binaries)),
    Requirement("libgomp1", "what LightGBM links against", lambda: ctypes.util.find_library("gomp") is not None),
    Requirement("openjdk-17-jre-headless", "Java 17, for Spark", lambda: java_major() in {11, 17}),
)

BROWSER = (Requirement("chromium", "Chromium, for the tests of the pages", lambda: shutil.which("chromium") is not None),)


def missing(requirements: Sequence[Requirement] = REQUIREMENTS) -> list[Requirement]:
    """Return the requirements that are not met."""
    return [requirement for requirement in requirements if not requirement.is_met()]


def installation(requirements: Sequence[Requirement]) -> str:
    """Return the command by which root installs the packages."""
    return " ".join(("apt-get install -y --no-install-recommends", *(requirement.package for requirement in requirements)))


def install(requirements: Sequence[Requirement], *, say: Callable[[str], None]) -> None:
    """Install Debian packages. They start no servers: the local stack runs instances of its own.

    Raises:
        StartError: Not root or no apt (the message is the command to run), or apt failed.
    """
    if not requirements:
        return
    command = installation(requirements)
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise StartError(f"missing system packages; run as root: {command}")
    say(command)
    policy = Path("/usr/sbin/policy-rc.d")
    owns_policy = not policy.exists()
    if owns_policy:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        _finish_installations()
        _run_apt([apt, "update", "-q"], say=say)
        _run_apt([apt, *command.split()[1:]], say=say)
    finally:
        if owns_policy:
            policy.unlink()
    unmet = [requirement.package for requirement in requirements if not requirement.is_met()]
    if unmet:
        raise StartError(f"installed, yet not usable: {', '.join(unmet)}")


def _finish_installations() -> None:
    """Configure packages that an installation left unconfigured when it was cut off: apt installs nothing before."""
    dpkg = shutil.which("dpkg")
    if dpkg is not None:
        subprocess.run([dpkg, "--configure", "-a"], capture_output=True, check=False, env=_environment())


def _run_apt(command: Sequence[str], *, say: Callable[[str], None]) -> None:
    """Run apt in a session of its own: Ctrl-C asks it to stop after the package in hand, for cut off it blocks every later installation."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=_environment(), start_new_session=True
    )
    try:
        _output, errors = process.communicate()
    except KeyboardInterrupt:
        say("apt-get ends after the package in hand")
        process.send_signal(signal.SIGINT)
        process.communicate()
        raise
    if process.returncode != 0:
        raise StartError(f"{' '.join(command)} failed:\n{errors.strip()[-2000:]}")


def _environment() -> dict[str, str]:
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
