"""What the tests of deliveries need in each stage, beyond what its stacks bring: a workspace that serves, and a key of the gateway."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import boto3

from delivery.ecs_fleet import EcsFleet, Question
from delivery.history import Stage as StageName
from localstack.containers.stages import Stages
from tests.fixtures.served import fill_database, upload
from tests.fixtures.serving import CLASSIFICATION, build_world

BODY = json.dumps({"model": "m", "features": [{"id": "c1"}]}).encode()


@dataclass(frozen=True)
class Stage:
    """One stage as its callers and its operators see it."""

    name: StageName
    stages: Stages
    key: str
    key_id: str
    path: str
    predictions_queue: str

    def fleet(self, *, asks_for_predictions: bool = True) -> EcsFleet:
        """Return the stage's two colours; readiness is always asked for, a prediction too unless told otherwise."""
        headers = {"content-type": "application/json", "x-presage-api-key-id": self.key_id}
        prediction = (Question("/v1/predict", "POST", BODY, headers),) if asks_for_predictions else ()
        return self.stages.fleet(self.name, (Question(), *prediction))

    def take_predictions(self) -> int:
        """Return how many predictions have come to the stage's queue since this was last asked; there is no function to log them."""
        count, sqs = 0, boto3.client("sqs")
        while found := sqs.receive_message(QueueUrl=self.predictions_queue, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages"):
            for message in found:
                count += len(json.loads(message["Body"])["entries"])
                sqs.delete_message(QueueUrl=self.predictions_queue, ReceiptHandle=message["ReceiptHandle"])
        return count


def furnish(name: StageName, stages: Stages, folder: Path) -> Stage:
    """Give the deployed stage data that no other stage knows, and a key of its plan `standard`."""
    outputs = stages.outputs(name)
    gateway = boto3.client("apigateway")
    key = gateway.create_api_key(name=name, enabled=True, value=secrets.token_hex(20))
    gateway.create_usage_plan_key(usagePlanId=outputs["StandardPlanId"], keyId=key["id"], keyType="API_KEY")
    folder.mkdir(parents=True)
    world = build_world(folder)
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    world.experiment(model)
    fill_database(stages.database_url(name), world, key_id=key["id"], plan="standard")
    upload(world, {"ARTIFACTS": outputs["ArtifactsBucket"], "LAKE": outputs["LakeBucket"]})
    path = f"/_aws/execute-api/{outputs['ApiId']}/{outputs['ApiStage']}/v1/predict"
    return Stage(name, stages, key["value"], key["id"], path, outputs["PredictionsQueueUrl"])
