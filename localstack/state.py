"""What the local stack remembers between runs: its ports, its passwords, what it deployed."""

import secrets
from pathlib import Path

import msgspec

from localstack.program import free_port, is_listening


class Recorded(msgspec.Struct):
    """The content of the state file."""

    ports: dict[str, int] = {}
    passwords: dict[str, str] = {}
    deployed: str = ""


class State:
    """The state file; every change is written at once, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._recorded = msgspec.json.decode(path.read_bytes(), type=Recorded) if path.exists() else Recorded()

    @property
    def deployed(self) -> str:
        """The hash of what was deployed last, or nothing."""
        return self._recorded.deployed

    @property
    def ports(self) -> dict[str, int]:
        """The port of every piece that has one."""
        return dict(self._recorded.ports)

    def note_deployed(self, digest: str) -> None:
        """Remember the hash of what is deployed now."""
        self._recorded.deployed = digest
        self._write()

    def port(self, name: str, preferred: int, *, is_ours: bool) -> int:
        """Return the port of a piece: the one it had if it is ours or nobody listens there, else `preferred`, else any free one."""
        recorded = self._recorded.ports.get(name)
        if recorded is not None and is_ours:
            return recorded
        taken = {port for other, port in self._recorded.ports.items() if other != name}
        chosen = recorded if recorded is not None and not is_listening(recorded) else free_port(preferred)
        while chosen in taken:
            chosen = free_port()
        self._recorded.ports[name] = chosen
        self._write()
        return chosen

    def password(self, name: str) -> str:
        """Return the password of a piece, made when first asked for."""
        if name not in self._recorded.passwords:
            self._recorded.passwords[name] = secrets.token_urlsafe(18)
            self._write()
        return self._recorded.passwords[name]

    def _write(self) -> None:
        write_private(self._path, msgspec.json.format(msgspec.json.encode(self._recorded)))


def write_private(path: Path, content: bytes) -> None:
    """Replace a file by one that only its owner can read; a reader sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.touch(mode=0o600)
    partial.chmod(0o600)
    partial.write_bytes(content)
    partial.replace(path)
