"""Deploys the project's own stacks to the emulator with the CDK, as a platform engineer would to an account."""

import contextlib
import hashlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localstack import emulator
from localstack.places import ROOT, Places
from localstack.program import StartError
from localstack.supervision import tail

ACCOUNT = "000000000000"
_INPUTS = (
    "app.py",
    "cdk.json",
    "cdk.context.json",
    "package-lock.json",
    "pyproject.toml",
    "uv.lock",
    "stacks",
    "src",
    "services",
    "lambdas",
    "emr_steps",
)
_SHOWN = ("✅", "❌", "_FAILED", "Error:", "error:")


@dataclass(frozen=True)
class Deployment:
    """One way of deploying: the CDK program, the environment it runs in, its context values, and where it keeps its output."""

    cdk: Path
    environment: Mapping[str, str]
    context: Mapping[str, str]
    places: Places

    def digest(self) -> str:
        """Return a hash of everything that the templates and assets are made from."""
        digest = hashlib.sha256(repr(sorted(self.context.items())).encode())
        for path in sorted(list_files(_INPUTS)):
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def run(self, *, region: str, say: Callable[[str], None]) -> None:
        """Synthesise, bootstrap and deploy all stacks; `say` gets the lines worth seeing.

        Raises:
            StartError: A step failed; the message holds the end of its log.
        """
        output = self.places.state / "cdk.out"
        self.synth(output, say=say)
        self.bootstrap(output, region=region, say=say)
        self.deploy(output, say=say)

    def synth(self, output: Path, *, say: Callable[[str], None], app: str | None = None, stacks: Sequence[str] = ()) -> None:
        """Write the templates and assets of `app` (that of cdk.json if none is named) to the folder `output`.

        With `stacks`, functions and bundles of other stacks are not built.

        Raises:
            StartError: The application failed; the message holds the end of the log.
        """
        values = [part for name, value in self.context.items() for part in ("-c", f"{name}={value}")]
        chosen = ["--exclusively", *stacks] if stacks else []
        self._cdk(["synth", *chosen, "--quiet", "--output", str(output), *(["--app", app] if app else []), *values], say=say)

    def bootstrap(self, output: Path, *, region: str, say: Callable[[str], None]) -> None:
        """Make the bucket and roles that deployments need. Idempotency: repeats change nothing.

        Raises:
            StartError: It failed; the message holds the end of the log.
        """
        self._cdk(["bootstrap", f"aws://{ACCOUNT}/{region}", "--app", str(output)], say=say)

    def deploy(self, output: Path, *, say: Callable[[str], None], stacks: Sequence[str] = ("--all",)) -> None:
        """Deploy what `output` holds: all stacks, or those named and what they need. Idempotency: unchanged stacks stay as they are.

        Raises:
            StartError: A stack failed; the message holds the end of the log.
        """
        options = ["--app", str(output), "--require-approval", "never", "--progress", "events", "--concurrency", "3"]
        self._cdk(["deploy", *stacks, *options, "--asset-parallelism", "true"], say=say)

    def destroy(self, output: Path, *, say: Callable[[str], None]) -> None:
        """Delete all stacks that `output` holds; what they retain stays.

        Raises:
            StartError: A stack could not be deleted; the message holds the end of the log.
        """
        self._cdk(["destroy", "--all", "--force", "--app", str(output)], say=say)

    def _cdk(self, arguments: Sequence[str], *, say: Callable[[str], None]) -> None:
        log = self.places.logs / f"cdk-{arguments[0]}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as sink, _own_group([str(self.cdk), *arguments], self.environment) as process:
            for line in process.stdout or ():
                sink.write(line)
                text = line.decode(errors="replace").strip()
                if any(word in text for word in _SHOWN):
                    say(text)
        if process.returncode != 0:
            raise StartError(f"cdk {arguments[0]} failed; its log {log} ends:\n{tail(log, 40)}")


def read_own_context() -> dict[str, str]:
    """Return the context values that whoever starts the stack gives in the environment: `AMPLITUDE_URL`, asked in place of Amplitude."""
    url = os.environ.get("AMPLITUDE_URL")
    return {"amplitude_url": url} if url else {}


def build_environment(node: Path, *, emulator_port: int) -> dict[str, str]:
    """Return the caller's own environment (proxies, certificates), with AWS replaced by the emulator, for the CDK's command line."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **own,
        **emulator.client_environment(emulator_port),
        "PATH": f"{node}{os.pathsep}{own.get('PATH', os.defpath)}",
        "CI": "1",
        "NO_COLOR": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
    }


@contextlib.contextmanager
def _own_group(command: Sequence[str], environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command whose whole process group ends with the context."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
        process.wait()
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def list_files(names: Sequence[str]) -> Iterator[Path]:
    """Yield the source files of the named files and folders below the project's root."""
    for name in names:
        place = ROOT / name
        yield from (
            path for path in (place.rglob("*") if place.is_dir() else [place]) if path.is_file() and "__pycache__" not in path.parts
        )
