"""Fixtures that all kinds of tests share: the real servers, started when first asked for."""

import secrets
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from localstack import emulator as local_emulator
from tests.fixtures.servers import SessionServers, session_folder, session_owner

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine fails no property
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def servers() -> SessionServers:
    owner = session_owner()
    return SessionServers(session_folder(owner), owner)


@pytest.fixture(scope="session")
def emulator(servers: SessionServers) -> Iterator[str]:
    """The emulator's endpoint URL; AWS clients of the test process point at it."""
    port = servers.emulator_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local_emulator.client_environment(port).items():
            patch.setenv(name, value)
        yield local_emulator.endpoint(port)


@pytest.fixture(scope="module")
def mariadb(servers: SessionServers) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh MariaDB database, dropped after the module."""
    server = servers.mariadb()
    name = f"test_{secrets.token_hex(6)}"
    server.execute(f"CREATE DATABASE {name}")
    yield f"{server.url}/{name}?charset=utf8mb4"
    server.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture(scope="module")
def postgres(servers: SessionServers) -> str:
    """The libpq URL of a fresh PostgreSQL database."""
    server = servers.postgres()
    name = f"test_{secrets.token_hex(6)}"
    server.create_database(name)
    return server.url(name)
