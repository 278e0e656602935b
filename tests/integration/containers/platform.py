"""Two clusters, staging and production, with separate data, on an emulator whose ECS runs containers."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from sqlalchemy import make_url

from delivery.ecs_fleet import EcsFleet, Question
from localstack.containers.engine import BRIDGE, REGISTRY
from localstack.mariadb import MariaDb
from tests.fixtures.prediction_table import create_table
from tests.fixtures.public_api import AMPLE_LIMITS
from tests.fixtures.served import fill_database, upload
from tests.fixtures.serving import CLASSIFICATION, build_world

PORT = 8080
COMMAND = [
    "python",
    "-m",
    "services.public_api",
    "--bind",
    f"0.0.0.0:{PORT}",
]
BODY = json.dumps({"model": "m", "features": [{"id": "c1"}]}).encode()


@dataclass(frozen=True)
class Stage:
    """One stage as its callers and its operators see it."""

    name: str
    cluster: str
    key: str
    key_id: str
    path: str
    predictions_queue: str

    def fleet(self, *, asks_for_predictions: bool = True) -> EcsFleet:
        """Return the stage's two colours; readiness is always asked for, a prediction too unless told otherwise."""
        headers = {"content-type": "application/json", "x-presage-api-key-id": self.key_id}
        prediction = (Question("/v1/predict", "POST", BODY, headers),) if asks_for_predictions else ()
        return EcsFleet(
            boto3.client("ecs"),
            boto3.client("elbv2"),
            cluster=self.cluster,
            service="public_api",
            questions=(Question(), *prediction),
        )

    def take_predictions(self) -> int:
        """Return how many predictions have come to the stage's queue since this was last asked; there is no function to log them."""
        count, sqs = 0, boto3.client("sqs")
        while found := sqs.receive_message(QueueUrl=self.predictions_queue, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages"):
            for message in found:
                count += len(json.loads(message["Body"])["entries"])
                sqs.delete_message(QueueUrl=self.predictions_queue, ReceiptHandle=message["ReceiptHandle"])
        return count


def create_stage(name: str, *, digest: str, server: MariaDb, folder: Path, endpoint: str) -> Stage:
    """Make a cluster with the service behind a load balancer and a gateway, and data that no other stage knows."""
    key = boto3.client("apigateway").create_api_key(name=name, enabled=True, value=secrets.token_hex(20))
    cluster = boto3.client("ecs").create_cluster(clusterName=f"presage-{name}")["cluster"]["clusterName"]
    folder.mkdir(parents=True)
    environment, credentials = _create_data(name, server=server, folder=folder, key_id=key["id"])
    balancer, group = _create_balancer(name)
    definition = _register(environment, credentials, digest)
    boto3.client("ecs").create_service(
        cluster=cluster,
        serviceName="public_api",
        taskDefinition=definition,
        desiredCount=1,
        launchType="FARGATE",
        loadBalancers=[{"targetGroupArn": group, "containerName": "public_api", "containerPort": PORT}],
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        deploymentConfiguration={
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
        },
    )
    _export(name, cluster)
    api = _create_gateway(name, origin=f"{endpoint}/_alb/{balancer}", key_id=key["id"])
    path = f"/_aws/execute-api/{api}/{name}/v1/predict"
    return Stage(name, cluster, key["value"], key["id"], path, environment["PRESAGE_PREDICTIONS_QUEUE_URL"])


def _export(name: str, cluster: str) -> None:
    """Let the command line find the service where it finds it in an account: in the stack's outputs."""
    template = {
        "Resources": {"Marker": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": name}}},
        "Outputs": {"ClusterName": {"Value": cluster}, "PublicApiService": {"Value": "public_api"}},
    }
    boto3.client("cloudformation").create_stack(StackName=f"Presage-{name.title()}-PublicApi", TemplateBody=json.dumps(template))


def _create_data(name: str, *, server: MariaDb, folder: Path, key_id: str) -> tuple[dict[str, str], str]:
    world = build_world(folder)
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    world.experiment(model)
    database, table = f"{name}_{secrets.token_hex(4)}", f"predictions-{name}"
    server.execute(f"CREATE DATABASE {database}")
    url = make_url(f"{server.url}/{database}?charset=utf8mb4")
    fill_database(url.render_as_string(hide_password=False), world, key_id=key_id)
    create_table(table)
    queues = [
        boto3.client("sqs").create_queue(QueueName=f"{name}-{kind}")["QueueUrl"] for kind in ("records", "predictions", "assignments")
    ]
    secret = json.dumps({"username": url.username, "password": url.password or ""})
    environment = {
        "PRESAGE_STAGE": name,
        **upload(world),
        "PRESAGE_PREDICTION_TABLE": table,
        "PRESAGE_RECORDS_QUEUE_URL": queues[0],
        "PRESAGE_PREDICTIONS_QUEUE_URL": queues[1],
        "PRESAGE_ASSIGNMENTS_QUEUE_URL": queues[2],
        "PRESAGE_DATABASE_HOST": BRIDGE,
        "PRESAGE_DATABASE_PORT": str(url.port),
        "PRESAGE_DATABASE_NAME": database,
        "PRESAGE_CATALOG_TTL_SECONDS": "1",
        "PRESAGE_REQUEST_LIMITS": AMPLE_LIMITS,
        "PRESAGE_CACHE_DIRECTORY": "/var/cache/presage",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }
    return environment, boto3.client("secretsmanager").create_secret(Name=f"{name}-database", SecretString=secret)["ARN"]


def _create_balancer(name: str) -> tuple[str, str]:
    client = boto3.client("elbv2")
    balancer = client.create_load_balancer(Name=f"public-api-{name}", Subnets=["subnet-1"], Scheme="internal")["LoadBalancers"][0]
    group = client.create_target_group(
        Name=f"public-api-{name}", Protocol="HTTP", Port=PORT, VpcId="vpc-1", TargetType="ip", HealthCheckPath="/readyz"
    )["TargetGroups"][0]["TargetGroupArn"]
    client.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    return balancer["LoadBalancerName"], group


def _register(environment: dict[str, str], credentials: str, digest: str) -> str:
    answer = boto3.client("ecs").register_task_definition(
        family=f"public_api-{environment['PRESAGE_STAGE']}",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="512",
        memory="1024",
        containerDefinitions=[
            {
                "name": "public_api",
                "image": f"{REGISTRY}/presage/public_api@{digest}",
                "command": COMMAND,
                "environment": [{"name": key, "value": value} for key, value in environment.items()],
                "secrets": [{"name": "PRESAGE_DATABASE_CREDENTIALS", "valueFrom": credentials}],
                "portMappings": [{"containerPort": PORT}],
                "essential": True,
            }
        ],
    )
    return answer["taskDefinition"]["taskDefinitionArn"]


def _create_gateway(name: str, *, origin: str, key_id: str) -> str:
    client: Any = boto3.client("apigateway")
    api = client.create_rest_api(name=f"presage-{name}")["id"]
    parent = next(item["id"] for item in client.get_resources(restApiId=api)["items"] if item["path"] == "/")
    for part in ("v1", "predict"):
        parent = client.create_resource(restApiId=api, parentId=parent, pathPart=part)["id"]
    client.put_method(restApiId=api, resourceId=parent, httpMethod="POST", authorizationType="NONE", apiKeyRequired=True)
    client.put_integration(
        restApiId=api,
        resourceId=parent,
        httpMethod="POST",
        type="HTTP_PROXY",
        integrationHttpMethod="POST",
        uri=f"{origin}/v1/predict",
        requestParameters={"integration.request.header.x-presage-api-key-id": "context.identity.apiKeyId"},
    )
    client.create_deployment(restApiId=api, stageName=name)
    plan = client.create_usage_plan(name=name, apiStages=[{"apiId": api, "stage": name}])["id"]
    client.create_usage_plan_key(usagePlanId=plan, keyId=key_id, keyType="API_KEY")
    return str(api)
