"""PostgreSQL's data can lie apart from a stack's state, so it must not survive a deleted state."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from localstack.guard import run_guarded, stop_guarded
from localstack.postgres import Postgres
from localstack.program import free_port

pytestmark = pytest.mark.integration


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="presage-postgres-", dir="/var/tmp") as name:  # the user postgres must get in
        Path(name).chmod(0o755)
        yield Path(name)


def list_databases(server: Postgres, folder: Path, *, create: str | None = None) -> set[str]:
    guard = run_guarded(server.build_program(fast=True), owner=os.getpid(), log=folder / "postgres.log")
    try:
        if create is not None:
            server.create_database(create)
        with psycopg.connect(server.url()) as connection:
            return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
    finally:
        stop_guarded(guard)


def test_data_stays_with_its_password_and_goes_with_another(folder: Path) -> None:
    port = free_port()
    first, second = (Postgres(folder / "postgres", port, password) for password in ("first", "second"))
    list_databases(first, folder, create="kept")

    assert "kept" in list_databases(first, folder)
    assert "kept" not in list_databases(second, folder)
