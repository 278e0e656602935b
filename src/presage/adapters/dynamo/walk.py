"""Walks through the prediction log in the order of creation: an entity's partition, or a model's days, each in shards that are merged."""

from __future__ import annotations

import base64
import binascii
import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from presage.adapters.dynamo.prediction_item import ByEntity, ByModelDay, PredictionItem
from presage.errors import InvalidInputError
from presage.predictions.ports import PredictionSearch

MOST_DAYS = 4
"""Days that a page looks at: without predictions, each costs a query a shard."""
MOST_LOOKED_AT = 1_000
"""Items that a page looks at, of which a filter may leave few."""
LEAST_READ = 10
"""Items that a query reads of a shard at least; what is read and not shown is read again by the next page."""
_MICROSECOND = timedelta(microseconds=1)
_KeyText = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class _Position(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last item of a shard that was looked at."""

    created_at: _KeyText
    prediction_id: _KeyText


class _Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A day, empty of an entity, and how far each of its shards was looked at."""

    day: Annotated[str, msgspec.Meta(max_length=10)]
    positions: list[_Position | None]


class Walk:
    """One page's way. Read, then build the cursor of where it ended."""

    def __init__(self, search: PredictionSearch, *, shards: int, start: str | None) -> None:
        """Begin at the cursor `start`, or at the end of the time that is searched.

        Raises:
            InvalidInputError: The cursor is none of this search.
        """
        self._search = search
        self._shards = 1 if search.entity_id is not None else shards
        self._days = _list_days(search) if search.entity_id is None else [""] * (search.since < search.until)
        self._first, self._last = to_text(search.since), to_text(search.until - _MICROSECOND)
        self._positions: list[_Position | None] = [None] * self._shards
        if start is not None:
            self._begin_at(_decode(start))
        self._ended = False

    def read(self, page: int) -> Iterator[PredictionItem]:
        """Yield items in order until the search or what a page may look at ends; `page` is how many are likely to be wanted.

        One is behind the reader once the next is asked for: who stops at an item has it on the next page.
        """
        looked_at = 0
        size = max(LEAST_READ, 2 * page // self._shards)
        for _ in range(MOST_DAYS):
            if not self._days:
                break
            shards = [self._read_shard(shard, size) for shard in range(self._shards)]
            merged = heapq.merge(*shards, key=lambda found: found[0].created_at, reverse=not self._search.oldest_first)
            for item, shard in merged:
                if looked_at == MOST_LOOKED_AT:
                    return
                looked_at += 1
                yield item
                self._positions[shard] = _Position(item.created_at, item.prediction_id)
            self._days, self._positions = self._days[1:], [None] * self._shards
        self._ended = not self._days

    def build_cursor(self) -> str | None:
        """Return where the next page begins, None at the end."""
        if self._ended:
            return None
        return base64.urlsafe_b64encode(msgspec.json.encode(_Cursor(self._days[0], self._positions))).decode().rstrip("=")

    def _begin_at(self, cursor: _Cursor) -> None:
        known = [position for position in cursor.positions if position is not None]
        within = all(self._first <= position.created_at <= self._last for position in known)
        if cursor.day not in self._days or len(cursor.positions) != self._shards or not within:
            raise InvalidInputError("This is no cursor of this list", path="$.cursor")
        self._days = self._days[self._days.index(cursor.day) :]
        self._positions = list(cursor.positions)

    def _read_shard(self, shard: int, size: int) -> Iterator[tuple[PredictionItem, int]]:
        search, position = self._search, self._positions[shard]
        if search.entity_id is not None:
            name, partition = "entity_shard", f"{search.workspace_id}#{search.entity_id}"
        else:
            name, partition = "model_day_shard", f"{search.workspace_id}#{search.model_id}#{self._days[0]}#{shard}"
        index: ByEntity | ByModelDay = PredictionItem.by_model_day if search.entity_id is None else PredictionItem.by_entity
        keys = {} if position is None else {name: partition, "created_at": position.created_at, "prediction_id": position.prediction_id}
        found: Any = index.query(
            partition,
            range_key_condition=PredictionItem.created_at.between(self._first, self._last),
            scan_index_forward=search.oldest_first,
            page_size=size,
            last_evaluated_key={key: {"S": value} for key, value in keys.items()} or None,
        )
        return ((item, shard) for item in found)


def to_text(instant: datetime) -> str:
    """Return a text of fixed width, so that texts sort as times do."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _list_days(search: PredictionSearch) -> list[str]:
    """Return the UTC days of the search in its order."""
    first, last = search.since.astimezone(UTC).date(), (search.until - _MICROSECOND).astimezone(UTC).date()
    days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
    return days if search.oldest_first else days[::-1]


def _decode(text: str) -> _Cursor:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Cursor)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise InvalidInputError(f"{text[:64]!r} is no cursor of this list", path="$.cursor") from error
