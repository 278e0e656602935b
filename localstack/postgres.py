"""A private PostgreSQL instance that stands in for Redshift."""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from localstack.program import Program, StartError

ADMIN = "presage_admin"
PACKAGE = "postgresql"
UNPRIVILEGED_USER = "postgres"


@dataclass(frozen=True)
class Postgres:
    """An instance: where its data is (reachable by the user postgres when root starts it), its port, its administrator's password."""

    data: Path
    port: int
    password: str

    @property
    def user(self) -> str:
        """The administrator's name."""
        return ADMIN

    def url(self, database: str = "postgres") -> str:
        """Return the libpq URL of a database."""
        return f"postgresql://{ADMIN}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> None:
        """Create the database. Idempotency: one that exists is left as it is."""
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=3) as connection:
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if exists is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def is_ready(self) -> bool:
        """Return whether the administrator can connect."""
        try:
            psycopg.connect(self.url(), connect_timeout=3).close()
        except psycopg.Error:
            return False
        return True

    def build_program(self, *, fast: bool = False) -> Program:
        """Return the server as a program, its data folder made first if there is none; `fast` trades durability for speed.

        Raises:
            StartError: PostgreSQL is not installed, or the data folder could not be made.
        """
        binaries = find_binaries()
        self._forget_another_stacks_data()
        if not (self.data / "PG_VERSION").exists():
            self._create(binaries)
        settings = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "", "timezone": "UTC"}
        if fast:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return Program(
            name="postgres",
            command=(
                str(binaries / "postgres"),
                "-D",
                str(self.data),
                *(part for pair in settings.items() for part in ("-c", "=".join(pair))),
            ),
            environment={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
            directory=self.data,
            user=UNPRIVILEGED_USER if os.geteuid() == 0 else None,
            stop_signal="INT",
            is_ready=self.is_ready,
        )

    def _forget_another_stacks_data(self) -> None:
        """Remove data of another password: the data may lie apart from a stack's state, and outlive it when that is deleted."""
        owner = self.data.with_name(f"{self.data.name}.owner")
        mine = hashlib.sha256(self.password.encode()).hexdigest()
        if owner.exists() and owner.read_text() != mine:
            shutil.rmtree(self.data, ignore_errors=True)
        owner.parent.mkdir(parents=True, exist_ok=True)
        owner.write_text(mine)

    def _create(self, binaries: Path) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        making = self.data.with_name(f"{self.data.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        password_file = self.data.with_name(f"{self.data.name}.password")
        password_file.write_text(self.password)
        password_file.chmod(0o600)
        user, group = (None, None)
        if os.geteuid() == 0:
            entry = pwd.getpwnam(UNPRIVILEGED_USER)
            user, group = entry.pw_uid, entry.pw_gid
            os.chown(making, user, group)
            os.chown(password_file, user, group)
        command = [
            str(binaries / "initdb"),
            f"--pgdata={making}",
            f"--username={ADMIN}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
            "--no-sync",
        ]
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, user=user, group=group, extra_groups=[] if user else None, cwd="/"
        )
        password_file.unlink()
        if result.returncode != 0:
            raise StartError(f"initdb failed: {(result.stdout + result.stderr).strip()[-2000:]}")
        making.rename(self.data)


def find_binaries() -> Path:
    """Return the folder that holds initdb and postgres, of the newest version installed.

    Raises:
        StartError: PostgreSQL is not installed.
    """
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)
    found = packaged[0] if packaged else shutil.which("initdb")
    if found is None:
        raise StartError(f"PostgreSQL is not installed: apt-get install -y {PACKAGE}")
    return Path(found).resolve().parent
