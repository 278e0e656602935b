"""The limits that a record keeps. Part of the public contract: a change here is a change of the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MAX_RECORD_ID_LENGTH = 128
MAX_ENTITY_ID_LENGTH = 256
MAX_TEXT_LENGTH = 2_048
"""Characters of a string value."""
MAX_NESTING = 16
"""Objects and arrays inside each other in what is sent as a record. A valid one has two; the limit is for what is said about others."""
MAX_COLUMNS = 200
MAX_COLUMN_NAME_LENGTH = 64
CLOCK_SKEW = timedelta(seconds=5)
"""How far a sender's clock may be ahead of ours before a timestamp counts as in the future."""
EARLIEST_TIMESTAMP = datetime(1900, 1, 1, tzinfo=UTC)
RECORD_FIELDS = ("record_id", "entity_id", "event_timestamp", "known_timestamp", "values")
RESERVED_COLUMNS = frozenset(RECORD_FIELDS) | {"event_month"}
"""Names no column of a dataset may have: the record's own, and the partition's."""
