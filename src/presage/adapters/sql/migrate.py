"""Brings a database's schema to the newest revision: `python -m presage.adapters.sql.migrate --url mysql+pymysql://…`.

In a deployed environment, give `--host --port --name` and the credentials' JSON on standard input instead of a URL.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from presage.adapters.sql.database import build_engine, build_engine_from_url
from presage.errors import UnavailableError

LOCK_NAME = "presage_migrate"
LOCK_TIMEOUT_SECONDS = 60


def migrate(engine: Engine) -> None:
    """Apply the revisions that the database lacks. Idempotency: a current schema is left alone; concurrent callers wait.

    Raises:
        UnavailableError: Somebody else has been migrating for a minute.
    """
    with engine.connect() as lock:
        if lock.execute(text("SELECT GET_LOCK(:name, :wait)"), {"name": LOCK_NAME, "wait": LOCK_TIMEOUT_SECONDS}).scalar() != 1:
            raise UnavailableError(f"Another process has held the lock {LOCK_NAME} for {LOCK_TIMEOUT_SECONDS} seconds")
        try:
            with engine.begin() as connection:
                command.upgrade(build_config(connection), "head")
        finally:
            lock.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": LOCK_NAME})


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
    options = parser.parse_args(arguments)
    if bool(options.url) == bool(options.host):
        parser.error("give either --url or --host")
    if options.url:
        engine = build_engine_from_url(options.url, pool_size=1)
    else:
        credentials = msgspec.json.decode(sys.stdin.read(), type=dict[str, str])
        engine = build_engine(
            host=options.host,
            port=options.port,
            database=options.name,
            username=credentials["username"],
            password=credentials["password"],
        )
    migrate(engine)
    engine.dispose()


if __name__ == "__main__":
    main()
