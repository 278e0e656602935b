"""Where the local stack keeps things: one folder for state, one for what can be fetched again."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Places:
    """The folders of one local stack; everything it writes is below `state` or `cache`, PostgreSQL's data possibly apart."""

    state: Path = ROOT / ".local"
    cache: Path = ROOT / ".cache"

    @property
    def logs(self) -> Path:
        """The folder of all log files."""
        return self.state / "logs"

    @property
    def calls(self) -> Path:
        """The file of the AWS calls that the components made."""
        return self.state / "calls.ndjson"

    @property
    def emulator_python(self) -> Path:
        """The interpreter of the emulator's own environment."""
        return self.cache / "ministack-venv" / "bin" / "python"

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data, in a place its unprivileged user can reach: below `state`, else below /var/tmp."""
        inside = self.state / "postgres"
        closed = [folder for folder in (self.state, *self.state.parents) if folder.exists() and not folder.stat().st_mode & 0o001]
        if not closed:
            return inside
        return Path("/var/tmp") / f"presage-{hashlib.sha256(str(self.state).encode()).hexdigest()[:12]}" / "postgres"  # noqa: S108 - must be reachable by the user postgres
