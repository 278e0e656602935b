"""Files that are uploaded to be imported: where they lie, and that they lie in their own workspace."""

from __future__ import annotations

import re
from dataclasses import dataclass

from presage.errors import InvalidInputError
from presage.features.keys import build_imports_prefix
from presage.features.ports import UploadStore
from presage.identifiers import new_identifier
from presage.tenancy.model import User
from presage.tenancy.permissions import authorise

_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Upload:
    """Where to PUT a file (`url`, for an hour), and the name to import it by (`key`)."""

    key: str
    url: str


def create_upload(*, by: User, file_name: str, uploads: UploadStore) -> Upload:
    """Return a place of its own for a file of that name.

    Raises:
        ForbiddenError: `by` lacks `data.write`.
        InvalidInputError: The name could not be part of an object's key.
    """
    workspace_id = authorise(by, "data.write")
    if not _FILE_NAME.fullmatch(file_name):
        raise InvalidInputError(f"{file_name[:200]!r}: expected letters, digits, _, - and ., no . first, 1 to 128", path="$.file_name")
    key = f"{build_imports_prefix(workspace_id)}{new_identifier('up')}/{file_name}"
    return Upload(key, uploads.create_upload_url(key))


def require_upload(*, workspace_id: str, key: str, uploads: UploadStore) -> None:
    """Return when the workspace has uploaded a file under that key.

    Raises:
        InvalidInputError: It has not; a key of another workspace is as good as none.
    """
    if not key.startswith(build_imports_prefix(workspace_id)) or ".." in key.split("/") or uploads.find_upload_size(key) is None:
        raise InvalidInputError(f"Nothing was uploaded under the key {key[:500]!r}", path="$.key")
