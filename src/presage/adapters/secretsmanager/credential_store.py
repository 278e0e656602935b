"""Credentials of customers' own systems in Secrets Manager, one secret each, under the workspace's prefix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from presage.adapters.client import translate_errors
from presage.errors import AlreadyExistsError, CorruptArtifactError, NotFoundError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient


class SecretCredentialStore:
    """`CredentialStore` on the secrets `presage-<stage>/<workspace_id>/<name>`."""

    def __init__(self, client: SecretsManagerClient, *, stage: str) -> None:
        """Use the secrets of `stage`."""
        self._client = client
        self._stage = stage

    def put_credential(self, workspace_id: str, name: str, content: Mapping[str, str]) -> None:
        """Keep `content` under that name, in place of what was there."""
        secret_id, text = self._identify(workspace_id, name), msgspec.json.encode(content).decode()
        try:
            with translate_errors(f"create the secret {secret_id}"):
                self._client.create_secret(Name=secret_id, SecretString=text)
        except AlreadyExistsError:
            with translate_errors(f"put the secret {secret_id}"):
                self._client.put_secret_value(SecretId=secret_id, SecretString=text)

    def get_credential(self, workspace_id: str, name: str) -> Mapping[str, str]:
        """Return what is kept under that name, or raise `NotFoundError`."""
        secret_id = self._identify(workspace_id, name)
        try:
            with translate_errors(f"read the secret {secret_id}"):
                text = self._client.get_secret_value(SecretId=secret_id)["SecretString"]
        except NotFoundError as error:
            raise NotFoundError(f"There is no credential {name!r}") from error
        try:
            return msgspec.json.decode(text, type=dict[str, str])
        except msgspec.DecodeError:
            raise CorruptArtifactError(f"The secret {secret_id} is not what was put there") from None

    def delete_credential(self, workspace_id: str, name: str) -> None:
        """Forget it at once; one that is not there is as good."""
        secret_id = self._identify(workspace_id, name)
        try:
            with translate_errors(f"delete the secret {secret_id}"):
                self._client.delete_secret(SecretId=secret_id, ForceDeleteWithoutRecovery=True)
        except NotFoundError:
            return

    def _identify(self, workspace_id: str, name: str) -> str:
        return f"presage-{self._stage}/{workspace_id}/{name}"
