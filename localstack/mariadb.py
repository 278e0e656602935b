"""A private MariaDB instance that stands in for RDS MySQL."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pymysql

from localstack.program import Program, StartError

ADMIN = "presage_admin"
PACKAGE = "mariadb-server"


@dataclass(frozen=True)
class MariaDb:
    """An instance: where its data is, its port, and its administrator's password."""

    data: Path
    port: int
    password: str

    @property
    def user(self) -> str:
        """The administrator's name."""
        return ADMIN

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the server, without a database."""
        return f"mysql+pymysql://{ADMIN}:{self.password}@127.0.0.1:{self.port}"

    def connect(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """Return an autocommitting connection of the administrator."""
        return pymysql.connect(host="127.0.0.1", port=self.port, user=ADMIN, password=self.password, autocommit=True, connect_timeout=3)

    def execute(self, *statements: str) -> None:
        """Run statements as the administrator."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def is_ready(self) -> bool:
        """Return whether the administrator can connect."""
        try:
            self.connect().close()
        except pymysql.Error:
            return False
        return True

    def build_program(self, *, fast: bool = False) -> Program:
        """Return the server as a program, its data folder made first if there is none; `fast` trades durability for speed.

        Raises:
            StartError: MariaDB is not installed, or the data folder could not be made.
        """
        server = find_server()
        if not (self.data / "mysql").is_dir():
            self._create(server)
        statements = self.data / "presage-admin.sql"
        statements.write_text(
            f"CREATE USER IF NOT EXISTS '{ADMIN}'@'127.0.0.1';\n"
            f"ALTER USER '{ADMIN}'@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO '{ADMIN}'@'127.0.0.1' WITH GRANT OPTION;\n"
            "DELETE FROM mysql.global_priv WHERE User IN ('root', '');\nFLUSH PRIVILEGES;\n"
        )
        statements.chmod(0o600)
        return Program(
            name="mariadb",
            command=(
                server,
                "--no-defaults",
                f"--datadir={self.data}",
                "--bind-address=127.0.0.1",
                f"--port={self.port}",
                "--socket=mariadb.sock",
                "--pid-file=mariadb.pid",
                "--skip-name-resolve",
                "--character-set-server=utf8mb4",
                "--collation-server=utf8mb4_bin",
                "--default-time-zone=+00:00",
                "--transaction-isolation=REPEATABLE-READ",
                "--innodb-buffer-pool-size=128M",
                f"--init-file={statements}",
                *(["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--sync-binlog=0"] if fast else []),
                *(["--user=root"] if os.geteuid() == 0 else []),
            ),
            environment={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
            directory=self.data,
            is_ready=self.is_ready,
        )

    def _create(self, server: str) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        making = self.data.with_name(f"{self.data.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        command = [
            shutil.which("mariadb-install-db") or "/usr/bin/mariadb-install-db",
            "--no-defaults",
            f"--datadir={making}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            *(["--user=root"] if os.geteuid() == 0 else []),
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0 or not Path(server).exists():
            raise StartError(f"mariadb-install-db failed: {(result.stdout + result.stderr).strip()[-2000:]}")
        making.rename(self.data)


def find_server() -> str:
    """Return the path of mariadbd.

    Raises:
        StartError: It is not installed.
    """
    server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
    if server is None:
        raise StartError(f"mariadbd is not installed: apt-get install -y {PACKAGE}")
    return server
