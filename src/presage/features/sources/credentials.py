"""What customers' own systems are read with. It is kept apart from all else: jobs, logs and answers name it only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol, TypeVar

import msgspec

from presage.errors import InvalidInputError
from presage.tenancy.model import User
from presage.tenancy.permissions import authorise

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
MAX_BYTES = 16_384

ContentT = TypeVar("ContentT")


class CredentialStore(Protocol):
    """Credentials of all workspaces (Secrets Manager)."""

    def put_credential(self, workspace_id: str, name: str, content: Mapping[str, str]) -> None:
        """Keep `content` under that name, in place of what was there."""

    def get_credential(self, workspace_id: str, name: str) -> Mapping[str, str]:
        """Return what is kept under that name, or raise `NotFoundError`."""

    def delete_credential(self, workspace_id: str, name: str) -> None:
        """Forget it at once; one that is not there is as good."""


def check_name(name: str) -> None:
    """Refuse what is no name of a credential.

    Raises:
        InvalidInputError: It is malformed.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(f"{name[:100]!r}: expected lower-case letters, digits, _ and -, 1 to 63, a letter first", path="$.name")


def check_credential(name: str, content: Mapping[str, str]) -> None:
    """Refuse what cannot be kept; the message never holds the content.

    Raises:
        InvalidInputError: The name is malformed, or the content is empty or too large.
    """
    check_name(name)
    size_bytes = sum(len(text.encode()) for pair in content.items() for text in pair)
    if not 0 < size_bytes <= MAX_BYTES:
        raise InvalidInputError(f"{size_bytes} bytes of names and values; expected 1 to {MAX_BYTES}", path="$.content")


def keep_credential(name: str, content: Mapping[str, str], *, by: User, store: CredentialStore) -> None:
    """Keep a credential under that name, in place of what was there.

    Raises:
        ForbiddenError: `by` lacks `credentials.write`.
        InvalidInputError: As for `check_credential`.
    """
    workspace_id = authorise(by, "credentials.write")
    check_credential(name, content)
    store.put_credential(workspace_id, name, content)


def forget_credential(name: str, *, by: User, store: CredentialStore) -> None:
    """Forget a credential; one that is not there is as good.

    Raises:
        ForbiddenError: `by` lacks `credentials.write`.
        InvalidInputError: The name is malformed.
    """
    workspace_id = authorise(by, "credentials.write")
    check_name(name)
    store.delete_credential(workspace_id, name)


def read_credential(store: CredentialStore, workspace_id: str, name: str, content_type: type[ContentT]) -> ContentT:
    """Return a credential as what a source needs.

    Raises:
        NotFoundError: There is none of that name.
        InvalidInputError: It is for something else; the message names what is missing, and never a value.
    """
    content = store.get_credential(workspace_id, name)
    try:
        return msgspec.convert(dict(content), content_type)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"The credential {name!r} is not of the right kind: {error}", path="$.credential") from None
