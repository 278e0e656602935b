"""What API Gateway tells of the use of a plan (GetUsage), which the emulator counts against quotas and does not tell.

Runs inside the emulator, so it imports nothing but the standard library; the emulator's module is handed in.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

LONGEST_DAYS = 90


class Usage:
    """The calls that each key was let in with, by plan and day (UTC)."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))

    def count(self, plan_id: str, key_id: str, day: date) -> None:
        """Count a call."""
        self._calls[plan_id, key_id][day] += 1

    def describe(self, plan: Mapping[str, Any], key_id: str, since: date, until: date) -> list[list[int]]:
        """Return used and remaining of each of the days, as GetUsage does; what remains is of the calendar month."""
        calls, limit = self._calls[plan["id"], key_id], int((plan.get("quota") or {}).get("limit") or 0)
        days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
        return [[calls[day], max(0, limit - sum(calls[each] for each in calls if _is_earlier_in_month(each, day)))] for day in days]


def apply(gateway: Any) -> None:  # noqa: ANN401 - a module of the emulator
    """Let the emulator count calls by day, and answer GetUsage."""
    usage, check, handle = Usage(), gateway._check_quota, gateway.handle_request  # noqa: SLF001 - the emulator offers no hook

    def check_and_count(key: Mapping[str, Any] | None, api_id: str, stage_name: str) -> Any:  # noqa: ANN401 - the emulator's own type
        error = check(key, api_id, stage_name)
        if error is None and key is not None:
            for plan_id, _plan, _entry in gateway._usage_plans_for_key(key["id"], api_id, stage_name):  # noqa: SLF001 - same
                usage.count(plan_id, key["id"], datetime.now(UTC).date())
        return error

    async def handle_with_usage(method: str, path: str, headers: Any, body: bytes, query: Mapping[str, Any]) -> Any:  # noqa: ANN401 - same
        parts = path.strip("/").split("/")
        if method == "GET" and len(parts) == 3 and parts[0] == "usageplans" and parts[2] == "usage":  # noqa: PLR2004 - as written beside
            return _answer(gateway, usage, parts[1], query)
        return await handle(method, path, headers, body, query)

    gateway._check_quota = check_and_count  # noqa: SLF001 - same
    gateway.handle_request = handle_with_usage


def _answer(gateway: Any, usage: Usage, plan_id: str, query: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the emulator's module and types
    plan = gateway._usage_plans.get(plan_id)  # noqa: SLF001 - same
    if plan is None:
        return gateway._v1_error("NotFoundException", "Invalid Usage Plan identifier specified", 404)  # noqa: SLF001 - same
    asked = {name: value[0] if isinstance(value, list) else value for name, value in query.items()}
    since, until = date.fromisoformat(asked["startDate"]), date.fromisoformat(asked["endDate"])
    if not timedelta(0) <= until - since <= timedelta(days=LONGEST_DAYS):
        return gateway._v1_error("BadRequestException", "Invalid date range", 400)  # noqa: SLF001 - same
    keys = [asked["keyId"]] if "keyId" in asked else list(gateway._usage_plan_keys.get(plan_id, {}))  # noqa: SLF001 - same
    items = {key: usage.describe(plan, key, since, until) for key in keys}
    facts = {"usagePlanId": plan_id, "startDate": asked["startDate"], "endDate": asked["endDate"]}
    return gateway._v1_response({**facts, "values": items})  # noqa: SLF001 - same


def _is_earlier_in_month(day: date, other: date) -> bool:
    return day <= other and (day.year, day.month) == (other.year, other.month)
