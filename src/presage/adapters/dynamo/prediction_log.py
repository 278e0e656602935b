"""The prediction log in DynamoDB."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zlib import crc32

import msgspec
from pynamodb.exceptions import PutError

from presage.adapters.dynamo.connection import REFUSALS, read_code, translated
from presage.adapters.dynamo.overflow import Bulk, Overflow
from presage.adapters.dynamo.prediction_item import PredictionItem, bind
from presage.adapters.dynamo.walk import Walk, to_text
from presage.errors import InvalidInputError, NotFoundError, UnavailableError
from presage.predictions.basis import Basis
from presage.predictions.ports import PredictionLogEntry, PredictionPage, PredictionSearch

SHARDS = 8
BATCH_SIZE = 25
PUT_ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.05
PUT_SECONDS = 8.0
"""A batch is not put again later than this: the function that puts several must report what failed before it is cut off."""
RETENTION = timedelta(days=90)

Pause = Callable[[float], None]
Clock = Callable[[], float]


_KeyText = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class _Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    shard: Annotated[int, msgspec.Meta(ge=0, lt=SHARDS)]
    created_at: _KeyText
    prediction_id: _KeyText


class DynamoPredictionLog:
    """`PredictionLog` on a table. An item goes by itself when `retention` has passed (the table's TTL)."""

    def __init__(
        self,
        table_name: str,
        overflow: Overflow,
        *,
        retention: timedelta = RETENTION,
        pause: Pause = time.sleep,
        clock: Clock = time.monotonic,
    ) -> None:
        """Bind the process to `table_name`; region, keys and endpoint come from the machine around it."""
        bind(table_name)
        self._overflow = overflow
        self._retention = retention
        self._pause = pause
        self._clock = clock

    def put_predictions(self, entries: Sequence[PredictionLogEntry]) -> None:
        """Return once all are durable, or raise `UnavailableError`. Idempotency: an entry put again overwrites itself."""
        distinct = list({entry.prediction_id: entry for entry in entries}.values())  # a batch must not name an item twice
        for start in range(0, len(distinct), BATCH_SIZE):
            self._put_batch([self._to_item(entry) for entry in distinct[start : start + BATCH_SIZE]])

    def get_prediction(self, workspace_id: str, prediction_id: str) -> PredictionLogEntry:
        """Return it, or raise `NotFoundError`, also for another workspace's."""
        try:
            with translated():
                item = PredictionItem.get(prediction_id, consistent_read=True)
        except PredictionItem.DoesNotExist as error:
            raise NotFoundError(f"There is no prediction {prediction_id[:64]!r}") from error
        if item.workspace_id != workspace_id:
            raise NotFoundError(f"There is no prediction {prediction_id[:64]!r}")
        return self._to_entry(item)

    def list_by_model_day(
        self, workspace_id: str, model_id: str, day: str, *, cursor: str | None = None, limit: int = 50
    ) -> PredictionPage:
        """Return predictions created on that UTC day (YYYY-MM-DD), newest first within a shard."""
        start = _decode_cursor(cursor)
        entries: list[PredictionLogEntry] = []
        for shard in range(start.shard if start else 0, SHARDS):
            partition = f"{workspace_id}#{model_id}#{day}#{shard}"
            last = {"model_day_shard": partition, **_key_of(start)} if start and start.shard == shard else None
            with translated():
                found = PredictionItem.by_model_day.query(
                    partition, scan_index_forward=False, limit=limit - len(entries), last_evaluated_key=_as_attributes(last)
                )
                entries.extend(self._to_entry(item) for item in found)
            if found.last_evaluated_key or len(entries) >= limit:
                return PredictionPage(entries, _encode_cursor(shard, entries[-1]))
        return PredictionPage(entries, None)

    def search(self, search: PredictionSearch, *, cursor: str | None = None, limit: int = 50) -> PredictionPage:
        """Return a page of what is searched for; a model's shards are merged by time, some days a page at most."""
        walk = Walk(search, shards=SHARDS, start=cursor)
        found: list[PredictionLogEntry] = []
        with translated():
            for item in walk.read(limit):
                if len(found) == limit:
                    break
                if search.wants(model_id=item.model_id, entity_id=item.entity_id, variant=item.variant):
                    found.append(self._to_entry(item))
        return PredictionPage(found, walk.build_cursor())

    def count_by_model_day(self, workspace_id: str, model_id: str, day: str) -> int:
        """Return how many predictions were created on that UTC day. Reads the index's keys only, a partition a shard."""
        with translated():
            return sum(PredictionItem.by_model_day.count(f"{workspace_id}#{model_id}#{day}#{shard}") for shard in range(SHARDS))

    def _put_batch(self, items: Sequence[PredictionItem]) -> None:
        deadline = self._clock() + PUT_SECONDS
        for attempt in range(PUT_ATTEMPTS):
            try:
                with PredictionItem.batch_write(auto_commit=False) as batch:
                    for item in items:
                        batch.save(item)
            except PutError as error:
                if read_code(error) in REFUSALS:
                    raise
                if attempt + 1 == PUT_ATTEMPTS or self._clock() > deadline:
                    raise UnavailableError("DynamoDB did not take all predictions") from error
                self._pause(FIRST_PAUSE_SECONDS * 2**attempt * secrets.randbelow(1_000) / 1_000)
            else:
                return

    def _to_item(self, entry: PredictionLogEntry) -> PredictionItem:
        shard = crc32(entry.prediction_id.encode()) % SHARDS
        bulk, overflow_key = self._overflow.put_if_large(entry)
        return PredictionItem(
            prediction_id=entry.prediction_id,
            workspace_id=entry.workspace_id,
            model_id=entry.model_id,
            model_version=entry.model_version,
            entity_id=entry.entity_id,
            variant=entry.variant,
            experiment_id=entry.experiment_id,
            created_at=to_text(entry.created_at),
            predicted_for=to_text(entry.predicted_for),
            request=bulk.request,
            features=bulk.features,
            result=bulk.result,
            overflow_key=overflow_key,
            basis=None if entry.basis is None else msgspec.json.encode(entry.basis).decode(),
            model_day_shard=f"{entry.workspace_id}#{entry.model_id}#{entry.created_at.astimezone(UTC):%Y-%m-%d}#{shard}",
            entity_shard=None if entry.entity_id is None else f"{entry.workspace_id}#{entry.entity_id}",
            expires_at=int((entry.created_at + self._retention).timestamp()),
        )

    def _to_entry(self, item: PredictionItem) -> PredictionLogEntry:
        bulk = Bulk(item.request, item.features, item.result)
        if item.overflow_key is not None:
            bulk = self._overflow.get(item.overflow_key)
        return PredictionLogEntry(
            workspace_id=item.workspace_id,
            prediction_id=item.prediction_id,
            model_id=item.model_id,
            model_version=_as_int(item.model_version),
            entity_id=item.entity_id,
            variant=item.variant,
            experiment_id=item.experiment_id,
            created_at=datetime.fromisoformat(item.created_at),
            predicted_for=datetime.fromisoformat(item.predicted_for),
            request=msgspec.json.decode(bulk.request),
            features=msgspec.json.decode(bulk.features),
            result=msgspec.json.decode(bulk.result),
            basis=msgspec.json.decode(item.basis, type=Basis) if item.basis else None,
        )


def _as_int(number: float | None) -> int | None:
    return None if number is None else int(number)


def _encode_cursor(shard: int, entry: PredictionLogEntry) -> str:
    cursor = _Cursor(shard, to_text(entry.created_at), entry.prediction_id)
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _decode_cursor(text: str | None) -> _Cursor | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Cursor)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise InvalidInputError(f"{text[:64]!r} is no cursor of this list", path="$.cursor") from error


def _key_of(cursor: _Cursor) -> dict[str, str]:
    return {"created_at": cursor.created_at, "prediction_id": cursor.prediction_id}


def _as_attributes(key: dict[str, str] | None) -> dict[str, dict[str, Any]] | None:
    return None if key is None else {name: {"S": value} for name, value in key.items()}
