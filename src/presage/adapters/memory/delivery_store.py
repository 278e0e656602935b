"""Deliveries in a dictionary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock

from presage.notifications.model import Delivery


class MemoryDeliveryStore:
    """`DeliveryStore` for tests."""

    def __init__(self) -> None:
        self._deliveries: dict[tuple[str, str], Delivery] = {}
        self._lock = Lock()

    def add(self, deliveries: Iterable[Delivery]) -> None:
        """Add what a notification store hands over."""
        self._deliveries |= {(each.workspace_id, each.delivery_id): each for each in deliveries}

    def list_due(self, *, now: datetime, limit: int = 400, of_target: int = 20) -> Sequence[Delivery]:
        """Return pending ones whose time has come, `of_target` of one target at most, all targets' first ones before any second one."""
        due = [each for each in self._deliveries.values() if each.state == "pending" and each.due_at <= now]
        counts: Counter[tuple[str, str]] = Counter()
        placed = []
        for each in sorted(due, key=lambda each: (each.due_at, each.delivery_id)):
            counts[each.workspace_id, each.target_id] += 1
            placed.append((counts[each.workspace_id, each.target_id], each))
        placed.sort(key=lambda entry: entry[0])
        return [each for place, each in placed if place <= of_target][:limit]

    def claim_delivery(self, delivery: Delivery, *, now: datetime, until: datetime) -> Delivery | None:
        """Count an attempt and let it be due again at `until`; None if another one has it or it is not due or pending any more."""
        with self._lock:
            current = self._find_current(delivery)
            if current is None or current.due_at > now:
                return None
            return self._put(replace(current, attempts=current.attempts + 1, due_at=until))

    def record_attempt(self, delivery: Delivery) -> None:
        """Keep what the claimed attempt came to, unless a later one was begun meanwhile."""
        with self._lock:
            if self._find_current(delivery) is not None:
                self._put(delivery)

    def list_deliveries(self, workspace_id: str, target_id: str, *, before: str = "", limit: int = 50) -> Sequence[Delivery]:
        """Return a page of a target's, newest first, starting behind the delivery id `before`."""
        mine = [each for each in self._deliveries.values() if (each.workspace_id, each.target_id) == (workspace_id, target_id)]
        mine.sort(key=_order, reverse=True)
        if before:
            mark = self._deliveries.get((workspace_id, before))
            mine = [each for each in mine if mark is not None and _order(each) < _order(mark)]
        return mine[:limit]

    def delete_ended(self, *, before: datetime, limit: int) -> int:
        """Forget those of all workspaces that ended before that, at most `limit`, and return how many."""
        with self._lock:
            ended = [key for key, each in self._deliveries.items() if each.ended_at is not None and each.ended_at < before][:limit]
            for key in ended:
                del self._deliveries[key]
        return len(ended)

    def _find_current(self, delivery: Delivery) -> Delivery | None:
        current = self._deliveries.get((delivery.workspace_id, delivery.delivery_id))
        return current if current and (current.state, current.attempts) == ("pending", delivery.attempts) else None

    def _put(self, delivery: Delivery) -> Delivery:
        self._deliveries[delivery.workspace_id, delivery.delivery_id] = delivery
        return delivery


def _order(delivery: Delivery) -> tuple[datetime, str]:
    return delivery.created_at, delivery.delivery_id
