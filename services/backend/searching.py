"""What of the prediction log is asked for, as routes and pages read it from a URL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from presage.errors import InvalidInputError, NotFoundError
from presage.predictions.ports import PredictionSearch
from presage.tenancy.permissions import authorise
from presage.training.model import Model
from services.backend.context import get_now, get_ports, get_user
from services.backend.paging import read_instant

LONGEST = timedelta(days=90)
"""How long predictions are kept; no search goes further back."""
CLOCK_SKEW = timedelta(minutes=1)
"""How far the clocks of who answers may be ahead of this one."""

Asked = Mapping[str, str]


def read_search(asked: Asked) -> PredictionSearch:
    """Return which predictions of the caller's workspace are asked for, by `entity`, `model`, `variant`, `order` and time.

    Raises:
        ForbiddenError: The caller lacks `rows.read`.
        InvalidInputError: It is no search; the path is `?` and the parameter.
        NotFoundError: The workspace has no model of that name.
    """
    entity, model = asked.get("entity"), asked.get("model")
    if entity is None and model is None:
        raise InvalidInputError("Ask by `entity`, by `model`, or by both", path="?entity")
    workspace_id, found = authorise(get_user(), "rows.read"), None if model is None else _find_model(model)
    since, until = _read_time(asked, None if found is None else found.created_at)
    return PredictionSearch(
        workspace_id=workspace_id,
        since=since,
        until=until,
        model_id=None if found is None else found.model_id,
        entity_id=entity,
        variant=asked.get("variant"),
        oldest_first=_read_order(asked),
    )


def _find_model(name: str) -> Model:
    model = get_ports().models.find_model_by_name(get_user().workspace_id, name)
    if model is None:
        raise NotFoundError(f"There is no model named {name[:100]!r}")
    return model


def _read_order(asked: Asked) -> bool:
    order = asked.get("order", "newest")
    if order not in {"newest", "oldest"}:
        raise InvalidInputError(f"order is newest or oldest, got {order[:50]!r}", path="?order")
    return order == "oldest"


def _read_time(asked: Asked, first: datetime | None) -> tuple[datetime, datetime]:
    """Return from when to when: a `day`, or `since` and `until`; by default all that is kept, from `first` on if that is known."""
    now = get_now()
    if "day" in asked:
        if "since" in asked or "until" in asked:
            raise InvalidInputError("Ask by `day`, or by `since` and `until`", path="?day")
        since = min(read_instant("day", f"{asked['day']}T00:00:00Z", "a UTC day such as 2026-01-31"), now)
        return since, since + timedelta(days=1)
    latest, earliest = now + CLOCK_SKEW, now - LONGEST
    until = min(read_instant("until", asked["until"]), latest) if "until" in asked else latest
    if "since" in asked:
        since = max(read_instant("since", asked["since"]), earliest)
    else:
        since = earliest if first is None or first >= until else max(earliest, first - CLOCK_SKEW)
    if since >= until:
        raise InvalidInputError("since is before until", path="?since")
    return since, until
