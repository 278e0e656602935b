"""Ids that an import has met, in a temporary database on disk that goes with its process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256

from presage.features.sources.ports import IdAndKnown

CACHE_KIB = 32_768
_KEY_BYTES = 16
_NOTE = """
INSERT INTO seen VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET known = excluded.known WHERE excluded.known < seen.known
"""


class SqliteSeenIds:
    """`SeenIds` on a database whose file has no name: 45 bytes an id on disk, at most `CACHE_KIB` of it in memory.

    An id is known by 128 bits of its sha256.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an empty database. See `open_seen_ids`."""
        self._connection = connection
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE seen (id BLOB PRIMARY KEY, known INTEGER NOT NULL) WITHOUT ROWID")

    def admit(self, ids: Sequence[IdAndKnown]) -> list[bool]:
        """Note the ids, in order, and return which are new: of an id that was noted, only one that was known earlier is."""
        execute = self._connection.execute
        with self._connection:
            return [execute(_NOTE, (sha256(name.encode()).digest()[:_KEY_BYTES], known)).rowcount == 1 for name, known in ids]


@contextmanager
def open_seen_ids() -> Iterator[SqliteSeenIds]:
    """Yield an empty set; its file has no name from the beginning, so that even SIGKILL leaves nothing."""
    with closing(sqlite3.connect("")) as connection:
        yield SqliteSeenIds(connection)
