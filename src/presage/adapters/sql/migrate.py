"""Brings a database's schema to the newest revision: `python -m presage.adapters.sql.migrate --url mysql+pymysql://…`.

In a deployed environment, give `--host --port --name` and the `--secret` with the credentials instead of a URL.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from presage.adapters.client import build_client
from presage.adapters.sql.credentials import SecretCredentials
from presage.adapters.sql.database import build_engine, build_engine_from_url
from presage.errors import UnavailableError

LOCK_NAME = "presage_migrate"
LOCK_TIMEOUT_SECONDS = 60
LOCK_TURN_SECONDS = 10


def migrate(engine: Engine) -> None:
    """Apply the revisions that the database lacks. Idempotency: a current schema is left alone; concurrent callers wait.

    Raises:
        UnavailableError: Somebody else has been migrating for a minute.
    """
    with hold_lock(engine, LOCK_NAME), engine.begin() as connection:
        command.upgrade(build_config(connection), "head")


@contextmanager
def hold_lock(engine: Engine, name: str) -> Iterator[None]:
    """Hold the database server's lock of that name inside the block; it ends with the connection, however the process ends.

    Raises:
        UnavailableError: Somebody else has held it for a minute.
    """
    deadline = monotonic() + LOCK_TIMEOUT_SECONDS
    with engine.connect() as lock:
        # In turns shorter than the time after which a silent connection is given up.
        while lock.execute(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": LOCK_TURN_SECONDS}).scalar() != 1:
            if monotonic() > deadline:
                raise UnavailableError(f"Another process has held the lock {name} for {LOCK_TIMEOUT_SECONDS} seconds")
        try:
            yield
        finally:
            lock.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})


def build_config(connection: Connection) -> Config:
    """Return Alembic's configuration for the revisions beside this file, to be run on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def main(arguments: Sequence[str] | None = None) -> None:
    """Migrate the database that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a SQLAlchemy URL")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, default=3306)
    parser.add_argument("--name", default="presage")
    parser.add_argument("--secret", help="name or ARN of the secret with the credentials")
    options = parser.parse_args(arguments)
    if bool(options.url) == bool(options.host and options.secret):
        parser.error("give either --url, or --host and --secret")
    if options.url:
        engine = build_engine_from_url(options.url, pool_size=1)
    else:
        credentials = SecretCredentials(build_client("secretsmanager"), options.secret)
        engine = build_engine(host=options.host, port=options.port, database=options.name, credentials=credentials, pool_size=1)
    migrate(engine)
    engine.dispose()


if __name__ == "__main__":
    main()
