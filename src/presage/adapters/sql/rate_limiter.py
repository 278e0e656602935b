"""Attempts counted in MySQL, over all processes and instances of a service."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Engine, select
from sqlalchemy.dialects.mysql import insert

from presage.adapters.sql.account_tables import AttemptRow
from presage.adapters.sql.database import table_of, unit_of_work, update_rows
from presage.tenancy.rate_limit import RateLimit, RateVerdict, judge_call


class SqlRateLimiter:
    """`RateLimiter` on an engine: for what is rare, such as attempts to log in."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        """Count by `clock`, in seconds since 1970, which instances agree about to within what NTP keeps."""
        self._engine = engine
        self._clock = clock

    def take(self, key: str, limit: RateLimit) -> RateVerdict:
        """Return whether the key's call may go on, and count it if so. The key's row is locked meanwhile."""
        mine = AttemptRow.counted == key
        first = insert(table_of(AttemptRow)).values(counted=key, arrival=0.0)
        with unit_of_work(self._engine) as session:
            session.execute(first.on_duplicate_key_update(counted=key))
            arrival = session.execute(select(AttemptRow.arrival).where(mine).with_for_update()).scalar_one()
            verdict, after = judge_call(arrival, limit, now=self._clock())
            update_rows(session, AttemptRow, mine, values={"arrival": after})
        return verdict
