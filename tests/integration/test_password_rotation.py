"""The rotation's steps and the services' connections, on a real MariaDB and the emulator's Secrets Manager."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count

import pymysql
import pytest
from sqlalchemy import Engine, text

from localstack.mariadb import MariaDb
from presage.adapters.client import build_client
from presage.adapters.sql.credentials import CURRENT, PENDING, Credentials, SecretCredentials
from presage.adapters.sql.database import ACCESS_DENIED, build_engine, unit_of_work
from presage.adapters.sql.password_rotation import DatabaseAddress, PasswordRotation
from presage.errors import ConflictError, InvalidInputError, UnavailableError
from tests.fixtures.database_secret import create_secret
from tests.fixtures.servers import SessionServers

pytestmark = pytest.mark.integration

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@dataclass
class Place:
    """A user of the database, and the secret that services read its password from."""

    server: MariaDb
    user: str
    secret: str

    def begin(self) -> str:
        """What Secrets Manager does before the first step: the one version that is pending has no value yet."""
        token, client = secrets.token_hex(16), build_client("secretsmanager")
        for version, stages in client.describe_secret(SecretId=self.secret)["VersionIdsToStages"].items():
            if PENDING in stages:
                client.update_secret_version_stage(SecretId=self.secret, VersionStage=PENDING, RemoveFromVersionId=version)
        client.put_secret_value(SecretId=self.secret, ClientRequestToken=token, SecretBinary=b"", VersionStages=[PENDING])
        return token

    def rotate(self, *steps: str, token: str) -> list[bool]:
        return [self.rotation().run(step, self.secret, token) for step in steps]

    def rotation(self) -> PasswordRotation:
        numbers = count()
        address = DatabaseAddress("127.0.0.1", self.server.port, "mysql_rotated")
        return PasswordRotation(build_client("secretsmanager"), address, generate=lambda: f"{secrets.token_hex(8)}'{next(numbers)}")

    def read(self, stage: str = CURRENT) -> Credentials:
        found = build_client("secretsmanager").get_secret_value(SecretId=self.secret, VersionStage=stage)
        return Credentials(**json.loads(found["SecretString"]))

    def opens(self, credentials: Credentials) -> bool:
        try:
            with closing(
                pymysql.connect(host="127.0.0.1", port=self.server.port, user=credentials.username, password=credentials.password)
            ):
                return True
        except pymysql.err.OperationalError as error:
            if error.args[0] != ACCESS_DENIED:
                raise
            return False

    def engine(self, *, pool_size: int = 1) -> Engine:
        return build_engine(
            host="127.0.0.1",
            port=self.server.port,
            database="mysql_rotated",
            credentials=SecretCredentials(build_client("secretsmanager"), self.secret),
            pool_size=pool_size,
        )


@pytest.fixture
def place(emulator: str, servers: SessionServers) -> Iterator[Place]:
    assert emulator
    server, user, password = servers.mariadb(), f"u{secrets.token_hex(6)}", secrets.token_hex(12)
    server.execute(
        "CREATE DATABASE IF NOT EXISTS mysql_rotated",
        f"CREATE USER '{user}'@'127.0.0.1' IDENTIFIED BY '{password}'",
        f"GRANT ALL ON mysql_rotated.* TO '{user}'@'127.0.0.1'",
        f"GRANT CREATE USER ON *.* TO '{user}'@'127.0.0.1'",  # as localstack.provisioners gives it
    )
    yield Place(server, user, create_secret(user, password))
    server.execute(f"DROP USER '{user}'@'127.0.0.1'")


def test_afterwards_the_new_password_opens_the_database_and_the_old_one_does_not(place: Place) -> None:
    before = place.read()
    token = place.begin()

    assert place.rotate(*STEPS, token=token) == [True] * 4

    after = place.read()
    assert after.username == before.username
    assert (place.opens(after), place.opens(before)) == (True, False)
    assert place.read("AWSPREVIOUS") == before


def test_every_step_may_come_twice(place: Place) -> None:
    token = place.begin()
    place.rotate("createSecret", token=token)
    pending = place.read(PENDING)

    place.rotate("createSecret", "setSecret", "setSecret", "testSecret", "testSecret", "finishSecret", token=token)
    again = place.rotate(*STEPS, token=token)

    assert place.read() == pending
    assert place.opens(pending)
    assert again == [False] * 4


def test_a_rotation_that_ended_between_database_and_secret_is_taken_up_again(place: Place) -> None:
    """The database has a password that no label names: the function died after it had set it and before it could finish."""
    first = place.begin()
    place.rotate("createSecret", "setSecret", token=first)

    place.rotate(*STEPS, token=first)

    assert place.opens(place.read())


def test_a_password_that_the_database_refuses_is_not_made_current(place: Place) -> None:
    token, before = place.begin(), place.read()
    place.rotate("createSecret", token=token)

    with pytest.raises(ConflictError, match="pending password") as refused:
        place.rotate("testSecret", token=token)

    assert place.read(PENDING).password not in str(refused.value)
    assert place.read() == before


def test_a_password_that_somebody_changed_by_hand_is_not_overwritten(place: Place) -> None:
    token = place.begin()
    place.server.execute(f"ALTER USER '{place.user}'@'127.0.0.1' IDENTIFIED BY 'by-hand'")

    with pytest.raises(ConflictError, match="every password"):
        place.rotate("createSecret", "setSecret", token=token)

    assert place.opens(Credentials(place.user, "by-hand"))


@pytest.mark.parametrize("step", [*STEPS, "otherStep"])
def test_nothing_is_done_for_a_version_that_is_not_pending(place: Place, step: str) -> None:
    with pytest.raises(InvalidInputError):
        place.rotate(step, token=secrets.token_hex(16))


def test_an_open_connection_stays_and_a_new_one_uses_the_new_password(place: Place) -> None:
    engine, token = place.engine(pool_size=2), place.begin()
    with engine.connect() as old:
        before = old.execute(text("SELECT CONNECTION_ID()")).scalar()

        place.rotate(*STEPS, token=token)

        assert old.execute(text("SELECT CONNECTION_ID()")).scalar() == before
        with engine.connect() as new:
            assert new.execute(text("SELECT CONNECTION_ID()")).scalar() != before
    engine.dispose()


@pytest.mark.parametrize("done", range(1, len(STEPS) + 1))
def test_a_connection_can_be_made_after_every_single_step(place: Place, done: int) -> None:
    engine, token = place.engine(), place.begin()
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    engine.dispose()

    place.rotate(*STEPS[:done], token=token)

    with engine.connect() as connection:
        assert connection.execute(text("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)")).scalar() == place.user
    engine.dispose()


def wait_for_all(connected: list[int], failures: list[Exception]) -> None:
    """Until every thread has connected twice more, so once with nothing left of what it had read before."""
    before, deadline = list(connected), time.monotonic() + 30
    while not failures and any(now < then + 2 for now, then in zip(connected, before, strict=True)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_threads_that_connect_all_the_time_notice_no_rotation(place: Place) -> None:
    engine = place.engine(pool_size=4)
    stopping, failures, connected = threading.Event(), list[Exception](), [0] * 4

    def connect(number: int) -> None:
        while not stopping.is_set() and not failures:
            try:
                with engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
                    connection.invalidate()
                connected[number] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what this looks for
                failures.append(error)

    threads = [threading.Thread(target=connect, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            place.rotate(*STEPS, token=place.begin())
            wait_for_all(connected, failures)  # rotations are weeks apart: nobody still has a password of the one before the last
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    engine.dispose()

    assert failures == []
    assert min(connected) >= 10


def test_a_secret_that_is_missing_or_wrong_is_an_unavailable_database(place: Place) -> None:
    wrong = Place(place.server, place.user, create_secret(place.user, "wrong"))
    absent = Place(place.server, place.user, "no-such-secret")

    for broken in (wrong, absent):
        engine = broken.engine()
        with pytest.raises(UnavailableError), unit_of_work(engine) as session:
            session.execute(text("SELECT 1"))
        engine.dispose()
