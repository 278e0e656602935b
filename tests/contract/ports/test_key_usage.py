"""What `KeyGateway` tells of the use of a plan, of which the memory adapter knows what a test says."""

import secrets
from datetime import date, timedelta

import pytest

from presage.adapters.apigateway.key_gateway import ApiGatewayKeyGateway
from presage.adapters.client import build_client
from presage.errors import NotFoundError


@pytest.mark.integration
def test_a_key_that_was_not_used_has_days_without_calls_and_all_of_its_quota(emulator: str) -> None:
    client = build_client("apigateway", pool_size=2)
    plan_id = client.create_usage_plan(name=f"free-{secrets.token_hex(4)}", quota={"limit": 1000, "period": "MONTH"})["id"]
    port = ApiGatewayKeyGateway(client, {"free": plan_id})
    api_key_id = port.create_key(name="shop", plan="free", workspace_id="ws_1", value=f"sk_{secrets.token_hex(24)}")

    days = port.list_usage("free", api_key_id, since=date(2026, 3, 30), until=date(2026, 4, 1))

    assert [(day.day - date(2026, 3, 30), day.used, day.remaining) for day in days] == [(timedelta(n), 0, 1000) for n in range(3)]
    assert port.get_limits("free").calls_per_month == 1000
    with pytest.raises(NotFoundError, match="standard"):
        port.get_limits("standard")
    assert emulator
