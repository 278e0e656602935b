"""Elastic Beanstalk's instances, here: the deployed bundle unpacked, its requirements installed, its Procfile and cron.yaml run."""

import hashlib
import io
import shlex
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localstack.environments import ensure_environment
from localstack.places import Places
from localstack.program import StartError

DAEMON_NAMESPACE = "aws:elasticbeanstalk:sqsd"
_FLAGS = {
    "HttpConnections": "--connections",
    "VisibilityTimeout": "--visibility-timeout",
    "ErrorVisibilityTimeout": "--error-visibility-timeout",
    "InactivityTimeout": "--inactivity-timeout",
    "HttpPath": "--path",
    "MimeType": "--mime-type",
}
_ELSEWHERE = {"WorkerQueueURL", "MaxRetries"}
"""Options of the daemon that are no flag: the queue is named otherwise, and its own redrive policy counts the retries."""


@dataclass(frozen=True)
class Bundle:
    """An unpacked bundle, the interpreter that has its requirements, and the version that both are named after."""

    folder: Path
    python: Path
    version: str

    @property
    def cron(self) -> Path | None:
        """The periodic tasks, if the bundle has any."""
        path = self.folder / "cron.yaml"
        return path if path.exists() else None


def read_processes(procfile: str) -> dict[str, tuple[str, ...]]:
    """Return the command of each process that a Procfile names.

    Raises:
        ValueError: A line is not `name: command`.
    """
    processes: dict[str, tuple[str, ...]] = {}
    for line in filter(None, map(str.strip, procfile.splitlines())):
        name, colon, command = line.partition(":")
        if not (name and colon and command.strip()):
            raise ValueError(f"Procfile: expected `name: command`, not {line!r}")
        processes[name] = tuple(shlex.split(command))
    return processes


def unpack(content: bytes, places: Places) -> Bundle:
    """Unpack a bundle below the state, its requirements installed below the cache. Idempotency: the same content is unpacked once.

    Raises:
        StartError: Its requirements could not be installed.
    """
    version = hashlib.sha256(content).hexdigest()[:16]
    folder = places.state / "bundles" / version
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(draft)  # made by our own synthesis
            draft.chmod(0o755)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return Bundle(folder, _install(folder / "requirements.txt", places), version)


def _install(requirements: Path, places: Places) -> Path:
    """Return an interpreter with the locked requirements, as the instance's own pip would install them."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    kept = places.cache / "beanstalk" / f"{digest}.txt"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        shutil.copy2(requirements, kept)
    arguments = ("--require-hashes", "--requirements", str(kept))
    return ensure_environment(kept.with_suffix(""), places=places, python=sys.executable, requirements=arguments)


def list_daemon_arguments(options: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    """Return the flags of the local daemon for the option settings of the real one.

    Raises:
        StartError: A setting has no counterpart here.
    """
    settings = {name: value for (namespace, name), value in options.items() if namespace == DAEMON_NAMESPACE}
    unknown = settings.keys() - _FLAGS.keys() - _ELSEWHERE
    if unknown:
        raise StartError(f"{DAEMON_NAMESPACE}: the local daemon knows no {', '.join(sorted(unknown))}")
    flags = [part for name, flag in _FLAGS.items() if name in settings for part in (flag, settings[name])]
    return ("--queue-url", settings["WorkerQueueURL"], *flags)
