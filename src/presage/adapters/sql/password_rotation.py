"""Secrets Manager's rotation of the database user's password, in the four steps that it asks a function for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pymysql

from presage.adapters.client import translate_errors
from presage.adapters.sql.credentials import CURRENT, PENDING, PREVIOUS, Credentials, find_credentials
from presage.adapters.sql.database import ACCESS_DENIED, CONNECT_TIMEOUT_SECONDS
from presage.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

    Connection = pymysql.Connection[pymysql.cursors.Cursor]


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database listens."""

    host: str
    port: int
    database: str


class PasswordRotation:
    """Gives the one user that the services share a new password (docs/adr/0013).

    Every step may come again, after a failure or a timeout, and finds what is done already. `token` is the id of the version that
    the rotation makes; a version that is current already is left alone by every step.
    """

    def __init__(self, client: SecretsManagerClient, address: DatabaseAddress, *, generate: Callable[[], str]) -> None:
        """Change passwords at `address` to what `generate` returns."""
        self._client = client
        self._address = address
        self._generate = generate
        self._steps: dict[str, Callable[[str, str], None]] = {
            "createSecret": self.create,
            "setSecret": self.set,
            "testSecret": self.test,
            "finishSecret": self.finish,
        }

    def run(self, step: str, secret_id: str, token: str) -> bool:
        """Do one step; return whether there was something to do.

        Raises:
            InvalidInputError: There is no such step, or the secret is not being rotated to the version `token`.
            ConflictError: The database takes none of the passwords that the secret has.
            UnavailableError: Secrets Manager or the database did not answer.
        """
        if step not in self._steps:
            raise InvalidInputError(f"step {step!r}, expected one of {', '.join(self._steps)}")
        stages = self._read_stages(secret_id).get(token, [])
        if CURRENT in stages:
            return False
        if PENDING not in stages:
            raise InvalidInputError(f"version {token} of the secret {secret_id} is {stages or 'not there'}, expected {PENDING}")
        self._steps[step](secret_id, token)
        return True

    def create(self, secret_id: str, token: str) -> None:
        """Put a new password into the pending version. Idempotency: one that is there stays, as the database may have it already."""
        if find_credentials(self._client, secret_id, stage=PENDING, version_id=token) is not None:
            return
        current = self._get(secret_id, CURRENT)
        pending = msgspec.structs.replace(current, password=self._generate())
        with translate_errors(f"put {PENDING} of the secret {secret_id}"):
            self._client.put_secret_value(
                SecretId=secret_id, ClientRequestToken=token, SecretString=msgspec.json.encode(pending).decode(), VersionStages=[PENDING]
            )

    def set(self, secret_id: str, token: str) -> None:
        """Let the database take the pending password, and no other from then on. Idempotency: one that it takes already is left.

        Open connections stay; new ones need the new password.
        """
        pending = self._get(secret_id, PENDING, token)
        if self._accepts(pending):
            return
        for stage in (CURRENT, PREVIOUS):
            known = find_credentials(self._client, secret_id, stage=stage)
            if known is not None and known.username == pending.username and self._change(known, pending.password):
                return
        raise ConflictError(f"the database refuses {pending!r} with every password of the secret {secret_id}")

    def test(self, secret_id: str, token: str) -> None:
        """Open the database with the pending password."""
        pending = self._get(secret_id, PENDING, token)
        if not self._accepts(pending):
            raise ConflictError(f"the database refuses {pending!r} with the pending password of the secret {secret_id}")

    def finish(self, secret_id: str, token: str) -> None:
        """Make the pending version the current one; Secrets Manager labels the one before as previous by itself."""
        current = next((version for version, stages in self._read_stages(secret_id).items() if CURRENT in stages), None)
        if current is None:
            raise NotFoundError(f"the secret {secret_id} has no current version")
        with translate_errors(f"move {CURRENT} of the secret {secret_id}"):
            self._client.update_secret_version_stage(
                SecretId=secret_id, VersionStage=CURRENT, MoveToVersionId=token, RemoveFromVersionId=current
            )

    def _read_stages(self, secret_id: str) -> dict[str, list[str]]:
        with translate_errors(f"describe the secret {secret_id}"):
            return self._client.describe_secret(SecretId=secret_id).get("VersionIdsToStages", {})

    def _get(self, secret_id: str, stage: str, version_id: str | None = None) -> Credentials:
        found = find_credentials(self._client, secret_id, stage=stage, version_id=version_id)
        if found is None:
            raise NotFoundError(f"{stage} of the secret {secret_id} has no value")
        return found

    def _accepts(self, credentials: Credentials) -> bool:
        connection = self._find_connection(credentials)
        if connection is not None:
            connection.close()
        return connection is not None

    def _change(self, known: Credentials, password: str) -> bool:
        connection = self._find_connection(known)
        if connection is None:
            return False
        with closing(connection), connection.cursor() as cursor:
            # By its name: MariaDB 10.11 takes CURRENT_USER() here, reports success and changes nothing.
            cursor.execute("SELECT CURRENT_USER()")
            ((account,),) = cursor.fetchall()
            user, _, host = account.rpartition("@")
            cursor.execute("ALTER USER %s@%s IDENTIFIED BY %s", (user, host, password))
        return True

    def _find_connection(self, credentials: Credentials) -> Connection | None:
        """Return a connection of the user, None if the database refuses the password."""
        try:
            return pymysql.connect(
                host=self._address.host,
                port=self._address.port,
                database=self._address.database,
                user=credentials.username,
                password=credentials.password,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                read_timeout=CONNECT_TIMEOUT_SECONDS,
                write_timeout=CONNECT_TIMEOUT_SECONDS,
            )
        except pymysql.err.OperationalError as error:
            if error.args[0] == ACCESS_DENIED:
                return None
            raise UnavailableError(f"The database did not answer: {type(error).__name__} {error.args[0]}") from error
