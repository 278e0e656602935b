"""Records on their way, in batches and within a bound of memory: no threads, tasks, clocks or sockets."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from presage_client import public_models as p
from presage_client.errors import ProblemError
from presage_client.flow import RetryPolicy
from presage_client.operation import Arguments

MOST_RECORDS = 500
MOST_BYTES = 2**20
ENVELOPE_BYTES = len('{"records":[]}')
PERSISTENT = RetryPolicy(attempts=20)
"""How a batch is sent: about two minutes of an API that answers nobody."""
Value = float | str | bool | None


@dataclass(frozen=True)
class Batching:
    """When records are sent, and how many may wait.

    Attributes:
        max_records: Records of a batch; the API takes no more than 500.
        max_bytes: Bytes of a batch as JSON; the API takes no more than 1 MiB.
        max_age_seconds: How long a record waits for others.
        max_waiting_bytes: Bytes of all records that are written and not settled. Beyond, writing waits.
    """

    max_records: int = MOST_RECORDS
    max_bytes: int = 1_000_000
    max_age_seconds: float = 1.0
    max_waiting_bytes: int = 16 * 2**20

    def __post_init__(self) -> None:
        """Refuse what the API refuses, and what could never be sent."""
        if not 1 <= self.max_records <= MOST_RECORDS:
            raise ValueError(f"max_records is {self.max_records}, and must be 1 to {MOST_RECORDS}")
        if not ENVELOPE_BYTES < self.max_bytes <= MOST_BYTES:
            raise ValueError(f"max_bytes is {self.max_bytes}, and must be {ENVELOPE_BYTES + 1} to {MOST_BYTES}")
        if self.max_waiting_bytes < self.max_bytes:
            raise ValueError(f"max_waiting_bytes is {self.max_waiting_bytes}, less than max_bytes, {self.max_bytes}")


@dataclass(frozen=True)
class Refusal:
    """A record that was not taken: the API's code and message, or those of the last attempt to reach it."""

    record: p.Record
    code: str
    message: str
    path: str | None = None


def build_record(
    entity_id: str,
    event_timestamp: datetime,
    values: Mapping[str, Value],
    *,
    record_id: str | UnsetType = UNSET,
    known_timestamp: datetime | UnsetType = UNSET,
) -> p.Record:
    """Return a record."""
    return p.Record(
        entity_id=entity_id, event_timestamp=event_timestamp, values=dict(values), record_id=record_id, known_timestamp=known_timestamp
    )


def encode_record(record: p.Record, batching: Batching) -> bytes:
    """Return a record as it goes out.

    Raises:
        ValueError: It could not be sent, or not as what it is.
    """
    for name in ("event_timestamp", "known_timestamp"):
        moment = getattr(record, name)
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise ValueError(f"{name} of {record.entity_id!r} is {moment}, without a time zone; for UTC, give it tzinfo=UTC")
    for column, value in record.values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{column} of {record.entity_id!r} is {value}, which JSON cannot say; leave the column out, or send None")
    content = msgspec.json.encode(record)
    if ENVELOPE_BYTES + len(content) > batching.max_bytes:
        raise ValueError(f"the record of {record.entity_id!r} has {len(content)} bytes; a batch has {batching.max_bytes} at most")
    return content


class Waiting:
    """Records that were written and are not settled, oldest first."""

    def __init__(self, batching: Batching) -> None:
        self.batching = batching
        self.written = self.settled = 0
        self._unsent: deque[tuple[bytes, float]] = deque()
        self._sending: list[bytes] = []
        self._unsent_bytes = self._sending_bytes = 0
        self._flushed_until = 0

    def has_room(self, content: bytes) -> bool:
        """Return whether a record may be put: always if nothing waits."""
        used = self._unsent_bytes + self._sending_bytes
        return not used or used + len(content) + 1 <= self.batching.max_waiting_bytes

    def put(self, content: bytes, *, now: float) -> None:
        """Add a record."""
        self._unsent.append((content, now))
        self._unsent_bytes += len(content) + 1
        self.written += 1

    def flush(self) -> int:
        """Let all that was written be due, and return up to which count it is to be settled."""
        self._flushed_until = self.written
        return self.written

    def find_seconds_until_due(self, now: float) -> float | None:
        """Return in how many seconds a batch is to be sent: 0 for now, None if nothing waits."""
        if not self._unsent:
            return None
        full = len(self._unsent) >= self.batching.max_records or ENVELOPE_BYTES + self._unsent_bytes > self.batching.max_bytes
        if full or self.settled < self._flushed_until:
            return 0.0
        return max(0.0, self._unsent[0][1] + self.batching.max_age_seconds - now)

    def take(self) -> list[bytes]:
        """Return the next batch, which still counts as waiting until it is settled."""
        size = ENVELOPE_BYTES
        while self._unsent and len(self._sending) < self.batching.max_records:
            content = self._unsent[0][0]
            if self._sending and size + len(content) + 1 > self.batching.max_bytes:
                break
            self._unsent.popleft()
            self._sending.append(content)
            size += len(content) + 1
        self._sending_bytes = size - ENVELOPE_BYTES
        self._unsent_bytes -= self._sending_bytes
        return list(self._sending)

    def settle(self) -> None:
        """Let go of the batch that was taken: what became of each record is known."""
        self.settled += len(self._sending)
        self._sending, self._sending_bytes = [], 0

    def list_records(self) -> list[p.Record]:
        """Return what is not settled."""
        return [decode_record(content) for content in (*self._sending, *(content for content, _ in self._unsent))]


def decode_record(content: bytes) -> p.Record:
    """Return a record that went out."""
    return msgspec.json.decode(content, type=p.Record)


def build_arguments(dataset: str, batch: Sequence[bytes]) -> Arguments:
    """Return the arguments of the call that sends a batch."""
    return Arguments(path={"dataset": dataset}, body={"records": [msgspec.Raw(content) for content in batch]})


def list_refusals(batch: Sequence[bytes], results: Sequence[p.RecordResult]) -> list[Refusal]:
    """Return what was not taken of a batch that was answered."""
    if len(results) != len(batch):
        return [Refusal(decode_record(each), "unknown", f"{len(results)} results came for {len(batch)} records") for each in batch]
    return [
        Refusal(decode_record(content), told(result.code) or result.status, told(result.message) or "", told(result.path))
        for content, result in zip(batch, results, strict=True)
        if result.status not in {"accepted", "duplicate"}
    ]


def refuse_batch(batch: Sequence[bytes], error: Exception) -> list[Refusal]:
    """Return what was not taken of a batch that was refused as a whole, or never answered: all of it, each for its own reason if told."""
    if isinstance(error, ProblemError) and error.results:
        try:
            return list_refusals(batch, msgspec.convert(error.results, list[p.RecordResult]))
        except msgspec.ValidationError:  # reasons of another form: the refusal's own will do
            pass
    code = error.code if isinstance(error, ProblemError) else type(error).__name__
    return [Refusal(decode_record(content), code, str(error)) for content in batch]


def told(text: str | UnsetType) -> str | None:
    """Return a field that may be missing."""
    return None if text is UNSET else text
