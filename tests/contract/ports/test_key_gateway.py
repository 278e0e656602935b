"""`KeyGateway`: one suite over memory and API Gateway."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from presage.adapters.apigateway.key_gateway import ApiGatewayKeyGateway
from presage.adapters.client import build_client
from presage.adapters.memory.key_gateway import MemoryKeyGateway
from presage.errors import NotFoundError
from presage.tenancy.ports import KeyGateway


@dataclass
class Gateway:
    port: KeyGateway
    list_values_in_plan: Callable[[], set[str]]


@pytest.fixture(params=["memory", pytest.param("apigateway", marks=pytest.mark.integration)])
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    if request.param == "memory":
        memory = MemoryKeyGateway()
        yield Gateway(memory, lambda: {key.value for key in memory.keys.values() if key.plan == "standard"})
        return
    request.getfixturevalue("emulator")
    client = build_client("apigateway")
    plan_id = client.create_usage_plan(
        name=f"standard-{secrets.token_hex(4)}",
        throttle={"rateLimit": 50.0, "burstLimit": 100},
        quota={"limit": 1000, "period": "MONTH"},
    )["id"]

    def list_values() -> set[str]:
        members = {member["id"] for member in client.get_usage_plan_keys(usagePlanId=plan_id)["items"]}
        return {key["value"] for key in client.get_api_keys(includeValues=True)["items"] if key["id"] in members}

    yield Gateway(ApiGatewayKeyGateway(client, {"standard": plan_id}), list_values)
    client.delete_usage_plan(usagePlanId=plan_id)


def test_a_key_works_in_its_plan_until_it_is_deleted(gateway: Gateway) -> None:
    value, other_value = (f"{prefix}_{secrets.token_hex(24)}" for prefix in ("sk", "pk"))
    api_key_id = gateway.port.create_key(name="shop", plan="standard", workspace_id="ws_1", value=value)
    other_id = gateway.port.create_key(name="shop", plan="standard", workspace_id="ws_2", value=other_value)

    assert len({api_key_id, other_id}) == 2
    assert gateway.list_values_in_plan() == {value, other_value}

    gateway.port.delete_key(api_key_id)
    gateway.port.delete_key(api_key_id)
    assert gateway.list_values_in_plan() == {other_value}


@pytest.mark.integration
def test_a_plan_that_the_stage_lacks_creates_no_key(emulator: str) -> None:
    client = build_client("apigateway", pool_size=2)
    before = len(client.get_api_keys()["items"])

    with pytest.raises(NotFoundError, match="free"):
        ApiGatewayKeyGateway(client, {}).create_key(name="shop", plan="free", workspace_id="ws_1", value="v" * 20)

    assert len(client.get_api_keys()["items"]) == before
    assert emulator


def test_what_a_plan_allows_is_told_and_a_plan_that_the_stage_lacks_is_not(gateway: Gateway) -> None:
    limits = gateway.port.get_limits("standard")

    assert (limits.calls_per_second, limits.burst) == (50.0, 100)
