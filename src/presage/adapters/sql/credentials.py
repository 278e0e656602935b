"""The database's user and password as a secret holds them, read again when the database refuses those that are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from presage.adapters.client import translate_errors
from presage.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
"""Secrets Manager's labels of the version in use, of the one that a rotation is putting in its place, and of the one before."""


class Credentials(msgspec.Struct, frozen=True):
    """A user of the database."""

    username: str
    password: str

    def __repr__(self) -> str:
        """Return the name, never the password: tracebacks and logs show values."""
        return f"Credentials({self.username!r})"


class CredentialSource(Protocol):
    """Where connections take their user and password from."""

    def list_candidates(self) -> Iterator[Credentials]:
        """Yield credentials, the likeliest first; whoever connects asks for the next ones when the database refuses these."""

    def accept(self, credentials: Credentials) -> None:
        """Note which ones the database took."""


class SecretCredentials:
    """`CredentialSource` on one secret, which a rotation may change at any time.

    The secret is read when there is nothing known yet, and when the database refuses what is known: a rotation costs one refused
    attempt a process, and none of the time between. In the moment in which the database has the new password and the label
    `AWSCURRENT` has not moved yet, the pending version is the right one.
    """

    def __init__(self, client: SecretsManagerClient, secret_id: str) -> None:
        """Read the secret of that name or ARN; not before it is needed."""
        self._client = client
        self._secret_id = secret_id
        self._known: Credentials | None = None

    def list_candidates(self) -> Iterator[Credentials]:
        """Yield what was accepted last, then the secret's current version, then its pending one; each only if it differs.

        At last the current one again: the rotation may have ended, and its label moved, while the first two were read.

        Raises:
            UnavailableError: Secrets Manager did not answer, or has no such secret.
        """
        refused: set[Credentials] = set()
        if self._known is not None:
            refused.add(self._known)
            yield self._known
        for stage in (CURRENT, PENDING, CURRENT):
            found = self._find(stage)
            if found is not None and found not in refused:
                refused.add(found)
                yield found

    def accept(self, credentials: Credentials) -> None:
        """Offer these first from now on."""
        self._known = credentials

    def _find(self, stage: str) -> Credentials | None:
        try:
            return find_credentials(self._client, self._secret_id, stage=stage)
        except NotFoundError as error:
            raise UnavailableError(f"The secret {self._secret_id} cannot be read: {error}") from error


def find_credentials(client: SecretsManagerClient, secret_id: str, *, stage: str, version_id: str | None = None) -> Credentials | None:
    """Return the credentials of the secret's version with that label, and that id if one is given; None if that has no value.

    Raises:
        NotFoundError: There is no current version, so there is no such secret.
        UnavailableError: Secrets Manager did not answer.
    """
    try:
        with translate_errors(f"read {stage} of the secret {secret_id}"):
            if version_id is None:
                answer = client.get_secret_value(SecretId=secret_id, VersionStage=stage)
            else:
                answer = client.get_secret_value(SecretId=secret_id, VersionStage=stage, VersionId=version_id)
    except NotFoundError:
        if stage == CURRENT:
            raise
        return None
    value: Mapping[str, object] = answer
    return msgspec.json.decode(str(value["SecretString"]), type=Credentials) if "SecretString" in value else None
