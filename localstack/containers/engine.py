"""A container engine without a daemon of the system: podman's service on a socket of ours, images built by buildah.

No image can be pulled here, so the Dockerfile's base is imported: a debootstrap root with the machine's Python version.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localstack import system_packages
from localstack.places import ROOT, Places
from localstack.program import Program, StartError
from localstack.system_packages import Requirement

_PROGRAMS = {
    "podman": "runs containers, for the emulator's ECS",
    "buildah": "builds their images",
    "runc": "starts them",
    "netavark": "connects them",
    "iptables": "lets them reach this machine",
    "debootstrap": "makes the image that the Dockerfile begins with",
}
_SEARCHED = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/lib/podman"))


def _is_installed(program: str) -> Callable[[], bool]:
    return lambda: shutil.which(program, path=_SEARCHED) is not None


REQUIREMENTS = tuple(Requirement(program, purpose, _is_installed(program)) for program, purpose in _PROGRAMS.items())
"""Debian's packages, each named after its program."""
BRIDGE = "10.88.0.1"
"""The machine's address on podman's default network, as containers see it."""
REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
PYTHON = "3.11"
"""Of Debian 12; an account's images are built on the version that the Dockerfile names."""
_BASE = f"docker.io/library/python:{PYTHON}-slim-bookworm"
_MIRROR = "http://deb.debian.org/debian"
_LOCK = Path("/run/lock/presage-containers.lock")
_LOCK_SECONDS = 50
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def missing() -> str | None:
    """Return why containers cannot run here, in words for whoever reads a skipped test; None if they can."""
    if os.geteuid() != 0:
        return "containers need root"
    absent = system_packages.missing(REQUIREMENTS)
    return f"missing: {system_packages.installation(absent)}" if absent else None


@dataclass(frozen=True)
class Engine:
    """The engine of one local stack, whose registry is the emulator's ECR on a loopback port."""

    places: Places
    registry_port: int

    @property
    def folder(self) -> Path:
        """Where its configuration lies."""
        return self.places.state / "containers"

    @property
    def storage(self) -> Path:
        """Where images and layers lie, kept from one start to the next."""
        return self.places.cache.resolve() / "containers"

    @property
    def runtime(self) -> Path:
        """Where sockets and mounts lie: on a file system that a restart of the machine empties, by a short path.

        It belongs to the storage, because podman writes it down there and keeps to it.
        """
        return Path("/run") / f"presage-{hashlib.sha256(str(self.storage).encode()).hexdigest()[:12]}"

    @property
    def socket(self) -> str:
        """The address that a Docker client uses."""
        return f"unix://{self.runtime}/podman.sock"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make podman and buildah use this engine's configuration only."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(Path.home()),
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.folder / "registries.conf"),
        }

    def configure(self) -> None:
        """Write the configuration: limits and runtime that need no systemd, and ECR's name for the emulator's registry."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
        hosts = self.folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{BRIDGE} host.docker.internal\n")
        (self.folder / "containers.conf").write_text(
            f'[containers]\ndefault_ulimits=["nofile=16384:16384","nproc=8192:8192"]\nbase_hosts_file="{hosts}"\n'
            '[engine]\nruntime="runc"\ncgroup_manager="cgroupfs"\nevents_logger="file"\n'
        )
        (self.folder / "storage.conf").write_text(
            f'[storage]\ndriver="overlay"\ngraphroot="{self.storage}"\nrunroot="{self.runtime}/storage"\n'
        )
        (self.folder / "registries.conf").write_text(
            f'[[registry]]\nprefix="{REGISTRY}"\nlocation="127.0.0.1:{self.registry_port}"\ninsecure=true\n'
        )

    def build_program(self) -> Program:
        """Return podman's service: one at a time on this machine, for two would give out the same addresses.

        Containers that an earlier life left behind are removed first.
        """
        path = self.runtime / "podman.sock"
        serve = f"podman rm --all --force --time 5 >/dev/null; exec podman system service --time=0 unix://{path}"
        path.unlink(missing_ok=True)
        return Program(
            name="podman",
            command=("/usr/bin/flock", "--no-fork", "--verbose", "--timeout", str(_LOCK_SECONDS), str(_LOCK), "sh", "-c", serve),
            environment=self.environment,
            directory=self.folder,
            is_ready=path.is_socket,
        )

    def remove_containers(self) -> None:
        """End and remove every container, running or not. Idempotency: repeats do nothing.

        Raises:
            StartError: podman could not.
        """
        self._run(["podman", "rm", "--all", "--force", "--time", "10"])

    def build_image(self, service: str, *, context: Path = ROOT) -> str:
        """Build a service's image from the Dockerfile and return its id.

        Idempotency: unchanged layers come from the cache.

        Raises:
            StartError: buildah failed; the message holds the end of its output.
        """
        self._ensure_base()
        arguments = ["--layers", "--file", "services/Dockerfile", "--build-arg", f"SERVICE={service}", "--build-arg", f"PYTHON={PYTHON}"]
        return self._build([*arguments, "."], context)

    def derive_image(self, image: str, files: Mapping[str, str]) -> str:
        """Return the id of an image like another one, with these files (path to text) in place of its own.

        Raises:
            StartError: buildah failed.
        """
        with tempfile.TemporaryDirectory() as name:
            lines = [f"FROM {image}"]
            for number, (path, text) in enumerate(files.items()):
                Path(name, str(number)).write_text(text)
                lines.append(f"COPY {number} {path}")
            Path(name, "Dockerfile").write_text("\n".join(lines) + "\n")
            return self._build(["."], Path(name))

    def push(self, image: str, service: str) -> str:
        """Push an image to the service's repository and return the digest by which it is promoted from then on.

        Raises:
            StartError: The registry refused.
        """
        digests = self.folder / "digest"
        target = f"docker://127.0.0.1:{self.registry_port}/presage/{service}:{image[:12]}"
        self._run(["buildah", "push", "--quiet", "--tls-verify=false", "--digestfile", str(digests), image, target])
        return digests.read_text().strip()

    def _build(self, arguments: Sequence[str], context: Path) -> str:
        with tempfile.NamedTemporaryFile() as identity:
            isolated = ["--isolation", "chroot", "--network", "host", "--iidfile", identity.name]
            self._run(["buildah", "build", *isolated, *arguments], context)
            return Path(identity.name).read_text().strip().removeprefix("sha256:")

    def _ensure_base(self) -> None:
        images = json.loads(self._run(["buildah", "images", "--json"]) or "[]")
        if any(_BASE in (image.get("names") or ()) for image in images or ()):
            return
        with tempfile.TemporaryDirectory(dir=self.places.cache) as name:
            root = Path(name)
            packages = "--include=python3,python3-venv,python3-pip,ca-certificates"
            self._run(["debootstrap", "--variant=minbase", packages, "bookworm", str(root), _MIRROR])
            _complete_base(root)
            variables = [part for each in ("PIP_CERT", "SSL_CERT_FILE") for part in ("--change", f"ENV {each}={_CERTIFICATES}")]
            archive = root.parent / f"{root.name}.tar"
            try:
                self._run(["tar", "-C", str(root), "-cf", str(archive), "."])
                self._run(["podman", "import", "--quiet", *variables, str(archive), _BASE])
            finally:
                archive.unlink(missing_ok=True)

    def _run(self, command: Sequence[str], directory: Path = ROOT) -> str:
        done = subprocess.run(command, env=self.environment, cwd=directory, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StartError(f"{' '.join(command[:2])} failed:\n{(done.stdout + done.stderr).strip()[-3000:]}")
        return done.stdout


def _complete_base(root: Path) -> None:
    """Let a Debian root be to the Dockerfile what python's own image is: `python`, an unmanaged pip; with this machine's certificates."""
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    for package in root.glob("var/cache/apt/archives/*.deb"):
        package.unlink()
    if _CERTIFICATES.exists():
        shutil.copyfile(_CERTIFICATES, root / _CERTIFICATES.relative_to("/"))
