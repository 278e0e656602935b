"""The gateway's stack and the adapter that hands out its keys, with calls that go through."""

import contextlib
import http.client
import json
import secrets

import boto3
import pytest

from presage.adapters.apigateway.key_gateway import ApiGatewayKeyGateway
from presage.adapters.client import build_client
from tests.localstack.conftest import Origin
from tests.localstack.project_stacks import PREFIX, ProjectStacks
from tests.localstack.test_stacks import UNSUPPORTED

pytestmark = pytest.mark.integration
CALL = b'{"model":"m"}'


def stand_in_for_dns(stacks: ProjectStacks) -> None:
    """Export what the gateway imports from the stack that LocalStack cannot deploy: a zone and a certificate made by their own APIs."""
    template = stacks.template("Dns")
    properties = {logical_id: each["Properties"] for logical_id, each in template["Resources"].items()}
    types = {logical_id: each["Type"] for logical_id, each in template["Resources"].items()}

    def make(logical_id: str) -> str:
        if types[logical_id] == "AWS::Route53::HostedZone":
            name = str(properties[logical_id]["Name"])
            zone = boto3.client("route53").create_hosted_zone(Name=name, CallerReference=secrets.token_hex(8))
            return zone["HostedZone"]["Id"].rpartition("/")[2]
        assert types[logical_id] == "AWS::CertificateManager::Certificate"
        certificate = boto3.client("acm").request_certificate(DomainName=str(properties[logical_id]["DomainName"]))
        return str(certificate["CertificateArn"])

    imported = json.dumps(stacks.template("Gateway"))
    exports = {name: each for name, each in template["Outputs"].items() if "Export" in each and f'"{each["Export"]["Name"]}"' in imported}
    body = {
        "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {name: {"Value": make(output["Value"]["Ref"]), "Export": output["Export"]} for name, output in exports.items()},
    }
    client = boto3.client("cloudformation")
    client.create_stack(StackName=f"{PREFIX}Dns", TemplateBody=json.dumps(body))
    client.get_waiter("stack_create_complete").wait(StackName=f"{PREFIX}Dns", WaiterConfig={"Delay": 1, "MaxAttempts": 30})


@pytest.fixture(scope="module")
def gateway(stacks: ProjectStacks) -> dict[str, str]:
    stand_in_for_dns(stacks)
    return stacks.deploy("Gateway")


@pytest.fixture
def keys(gateway: dict[str, str]) -> ApiGatewayKeyGateway:
    return ApiGatewayKeyGateway(build_client("apigateway"), {"free": gateway["FreePlanId"], "standard": gateway["StandardPlanId"]})


def call(endpoint: str, gateway: dict[str, str], path: str, *, key: str | None) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json"} | ({"x-api-key": key} if key else {})
    with contextlib.closing(http.client.HTTPConnection(endpoint.rpartition("/")[2], timeout=30)) as connection:
        connection.request("POST", f"/_aws/execute-api/{gateway['ApiId']}/{gateway['ApiStage']}{path}", CALL, headers)
        response = connection.getresponse()
        return response.status, response.read()


def test_only_the_firewall_is_pretended(stacks: ProjectStacks, gateway: dict[str, str]) -> None:
    assert gateway["ApiId"]
    assert stacks.list_pretended("Gateway") == UNSUPPORTED["Gateway"]


@pytest.mark.usefixtures("gateway")
def test_the_plans_limit_and_meter(stacks: ProjectStacks, gateway: dict[str, str]) -> None:
    client = boto3.client("apigateway")
    templates = [
        each["Properties"] for each in stacks.template("Gateway")["Resources"].values() if each["Type"] == "AWS::ApiGateway::UsagePlan"
    ]

    plans = {name: client.get_usage_plan(usagePlanId=gateway[f"{name}PlanId"]) for name in ("Free", "Standard")}

    assert {(plan["throttle"]["rateLimit"], plan["throttle"]["burstLimit"], plan["quota"]["limit"]) for plan in plans.values()} == {
        (each["Throttle"]["RateLimit"], each["Throttle"]["BurstLimit"], each["Quota"]["Limit"]) for each in templates
    }
    assert [stage["apiId"] for plan in plans.values() for stage in plan["apiStages"]] == [gateway["ApiId"]] * 2


def test_the_gateway_refuses_in_the_words_of_the_service(stacks: ProjectStacks, gateway: dict[str, str]) -> None:
    # LocalStack keeps the templates but answers with its own body.
    resources = stacks.template("Gateway")["Resources"].values()
    wanted = [each["Properties"] for each in resources if each["Type"] == "AWS::ApiGateway::GatewayResponse"]

    kept = boto3.client("apigateway").get_gateway_responses(restApiId=gateway["ApiId"], limit=500)["items"]

    templates = {each["responseType"]: each["responseTemplates"] for each in kept if not each["defaultResponse"]}
    assert templates == {each["ResponseType"]: each["ResponseTemplates"] for each in wanted}


def test_a_call_without_a_key_does_not_reach_the_service(genuine_localstack: str, gateway: dict[str, str], origin: Origin) -> None:
    before = len(origin.requests)

    status, _ = call(genuine_localstack, gateway, "/v1/predict", key=None)

    assert status == http.HTTPStatus.FORBIDDEN
    assert len(origin.requests) == before


def test_a_created_key_opens_the_way_and_names_itself_to_the_service(
    genuine_localstack: str, gateway: dict[str, str], keys: ApiGatewayKeyGateway, origin: Origin
) -> None:
    value = f"sk_{secrets.token_hex(24)}"
    key_id = keys.create_key(name="server", plan="free", workspace_id="ws-1", value=value)

    status, answer = call(genuine_localstack, gateway, "/v1/datasets/purchases/records", key=value)

    verb, path, headers, body = origin.requests[-1]
    assert (status, json.loads(answer)) == (200, {"answered": True})
    assert (verb, path, body) == ("POST", "/v1/datasets/purchases/records", CALL)
    assert headers["x-presage-api-key-id"] == key_id


def test_a_deleted_key_closes_the_way(genuine_localstack: str, gateway: dict[str, str], keys: ApiGatewayKeyGateway, origin: Origin) -> None:
    value = f"sk_{secrets.token_hex(24)}"
    key_id = keys.create_key(name="server", plan="standard", workspace_id="ws-1", value=value)
    keys.delete_key(key_id)
    keys.delete_key(key_id)
    before = len(origin.requests)

    status, _ = call(genuine_localstack, gateway, "/v1/predict", key=value)

    assert status in {403, 500}  # LocalStack stumbles over a key that is gone, where AWS answers 403
    assert len(origin.requests) == before
