"""Quarantined loads in the lake bucket: below each, its file, what was found (`load.json`) and what was decided, one object each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from presage.adapters.client import translate_errors
from presage.errors import AlreadyExistsError, ConflictError, CorruptArtifactError, NotFoundError
from presage.features.keys import build_quarantine_prefix
from presage.features.quarantine import Decision, QuarantinedLoad

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

ContentT = TypeVar("ContentT")


class S3QuarantineStore:
    """`QuarantineStore` on a bucket. What is written is written once, with `If-None-Match: *`."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        """Use `bucket`, which exists."""
        self._bucket = bucket
        self._client = client

    def hold_load(self, load: QuarantinedLoad, *, source_key: str) -> None:
        """Copy the file, if there is one, then write the load; one that is held stays as it is.

        Raises:
            NotFoundError: The file is gone.
            UnavailableError: S3 did not answer.
        """
        if self.find_load(load.workspace_id, load.dataset_id, load.load_id) is not None:
            return
        if load.key:
            with translate_errors(f"copy {source_key} to {load.key}"):
                self._client.copy_object(Bucket=self._bucket, Key=load.key, CopySource={"Bucket": self._bucket, "Key": source_key})
        try:
            self._create(f"{_place(load.workspace_id, load.dataset_id, load.load_id)}load.json", load)
        except AlreadyExistsError:
            return

    def find_load(self, workspace_id: str, dataset_id: str, load_id: str) -> QuarantinedLoad | None:
        """Return it with its decisions, or None.

        Raises:
            UnavailableError: S3 did not answer.
        """
        place = _place(workspace_id, dataset_id, load_id)
        load = self._find(f"{place}load.json", QuarantinedLoad)
        if load is None:
            return None
        decisions: list[Decision] = []
        while decision := self._find(f"{place}decisions/{len(decisions) + 1:04d}.json", Decision):
            decisions.append(decision)
        return replace(load, decisions=tuple(decisions))

    def list_loads(self, workspace_id: str, dataset_id: str, *, after: str = "", limit: int = 50) -> Sequence[QuarantinedLoad]:
        """Return a page in the order of `load_id`, starting behind `after`. One that is still being written is left out.

        Raises:
            UnavailableError: S3 did not answer.
        """
        prefix = build_quarantine_prefix(workspace_id, dataset_id)
        start = f"{prefix}{after}0" if after else prefix  # 0 comes right behind the slash
        with translate_errors(f"list {prefix}"):
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, StartAfter=start, Delimiter="/", MaxKeys=limit)
        ids = [entry["Prefix"].removeprefix(prefix).rstrip("/") for entry in page.get("CommonPrefixes", [])]
        return [load for load_id in ids if (load := self.find_load(workspace_id, dataset_id, load_id)) is not None]

    def add_decision(self, load: QuarantinedLoad, decision: Decision) -> None:
        """Write it behind the load's decisions, or raise `ConflictError`.

        Raises:
            UnavailableError: S3 did not answer.
        """
        place = _place(load.workspace_id, load.dataset_id, load.load_id)
        try:
            self._create(f"{place}decisions/{len(load.decisions) + 1:04d}.json", decision)
        except AlreadyExistsError as error:
            raise ConflictError(f"somebody else decided of the load {load.load_id} meanwhile") from error

    def delete_file(self, load: QuarantinedLoad) -> None:
        """Delete the load's file, if it has one.

        Raises:
            UnavailableError: S3 did not answer.
        """
        if not load.key:
            return
        with translate_errors(f"delete {load.key}"):
            self._client.delete_object(Bucket=self._bucket, Key=load.key)

    def _create(self, key: str, content: object) -> None:
        with translate_errors(f"create {key}"):
            body = msgspec.json.encode(content)
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*")

    def _find(self, key: str, content_type: type[ContentT]) -> ContentT | None:
        try:
            with translate_errors(f"get {key}"):
                body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except NotFoundError:
            return None
        try:
            return msgspec.json.decode(body, type=content_type)
        except msgspec.DecodeError as error:
            raise CorruptArtifactError(f"{key} is no {content_type.__name__}: {error}") from error


def _place(workspace_id: str, dataset_id: str, load_id: str) -> str:
    return f"{build_quarantine_prefix(workspace_id, dataset_id)}{load_id}/"
