"""What the emulated gateway tells of the use of a plan."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from types import SimpleNamespace

from localstack.gateway_usage import Usage, apply

PLAN = {"id": "p", "quota": {"limit": 10, "period": "MONTH"}}


def test_what_remains_is_of_the_calendar_month() -> None:
    usage = Usage()
    for day in (30, 31):
        usage.count("p", "k", date(2026, 3, day))
    usage.count("p", "k", date(2026, 4, 1))
    usage.count("p", "other", date(2026, 4, 1))

    assert usage.describe(PLAN, "k", date(2026, 3, 30), date(2026, 4, 2)) == [[1, 9], [1, 8], [1, 9], [0, 9]]


def build_gateway(*, refused: bool) -> SimpleNamespace:
    async def handle(*_arguments: object) -> str:
        return "handled"

    return SimpleNamespace(
        _check_quota=lambda *_arguments: "refused" if refused else None,
        handle_request=handle,
        _usage_plans={"p": PLAN},
        _usage_plan_keys={"p": {"k": {}}},
        _usage_plans_for_key=lambda *_arguments: [("p", PLAN, {})],
        _v1_error=lambda kind, _message, status: (status, kind),
        _v1_response=lambda body: (200, body),
    )


def ask(gateway: SimpleNamespace, path: str) -> object:
    today = datetime.now(UTC).date().isoformat()
    return asyncio.run(gateway.handle_request("GET", path, {}, b"", {"startDate": [today], "endDate": [today], "keyId": ["k"]}))


def test_calls_that_were_let_in_are_counted_and_those_that_were_refused_are_not() -> None:
    for refused, used in ((False, 1), (True, 0)):
        gateway = build_gateway(refused=refused)
        apply(gateway)
        check = vars(gateway)["_check_quota"]
        assert check({"id": "k"}, "api", "v1") == ("refused" if refused else None)
        answer = ask(gateway, "/usageplans/p/usage")
        today = datetime.now(UTC).date().isoformat()
        facts = {"usagePlanId": "p", "startDate": today, "endDate": today}
        assert answer == (200, {**facts, "values": {"k": [[used, 10 - used]]}})


def test_other_calls_go_on_to_the_emulator_and_unknown_plans_are_not_found() -> None:
    gateway = build_gateway(refused=False)
    apply(gateway)
    assert ask(gateway, "/usageplans/p") == "handled"
    assert ask(gateway, "/usageplans/other/usage") == (404, "NotFoundException")
