"""The relational database of the suites: migrated once a module. Every test uses a workspace of its own."""

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.migrate import migrate


@pytest.fixture(scope="module")
def engine(mariadb: str) -> Iterator[Engine]:
    engine = build_engine_from_url(mariadb)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def workspace_id() -> str:
    return f"ws_{secrets.token_hex(16)}"
