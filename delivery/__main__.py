"""`python -m delivery release|rollback --stage staging|production [--build sha256:…]`."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import boto3

from delivery.blue_green import Controller, Patience
from delivery.ecs_fleet import EcsFleet
from delivery.ecs_native import EcsDeployment
from delivery.errors import DeliveryError
from delivery.history import Stage, find_live
from delivery.parameter_history import ParameterHistory
from delivery.ports import HistoryStore
from delivery.use_cases import Mover, release, roll_back

STAGES: tuple[Stage, ...] = ("staging", "production")


def main(arguments: Sequence[str]) -> int:
    """Move the stage and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    parser.add_argument("command", choices=("release", "rollback"))
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--build", help="digest to release; for production, what staging runs is the default")
    parser.add_argument("--controller", choices=("ecs", "own"), default="ecs", help="own: blue and green by this program, for the emulator")
    parser.add_argument("--bake-seconds", type=float, default=Patience.bake_seconds)
    options = parser.parse_args(arguments)
    stage: Stage = options.stage
    histories = ParameterHistory(boto3.client("ssm"))
    try:
        mover = _build_mover(stage, options.controller, options.bake_seconds)
        if options.command == "rollback":
            digest = roll_back(stage, mover=mover, histories=histories, now=_now)
        else:
            digest = options.build or _choose_build(stage, histories)
            release(stage, digest, mover=mover, histories=histories, now=_now)
    except DeliveryError as error:
        _say(f"FAILED: {error}")
        return 1
    _say(f"{stage} runs {digest}")
    return 0


def _choose_build(stage: Stage, histories: HistoryStore) -> str:
    """Return what staging runs, for production; staging must be told."""
    digest = find_live(histories.get_history("staging")) if stage == "production" else None
    if digest is None:
        raise DeliveryError("which build? --build sha256:…, as the push printed it")
    return digest


def _build_mover(stage: Stage, controller: str, bake_seconds: float) -> Mover:
    ecs = boto3.client("ecs")
    outputs = _read_outputs(f"Presage-{stage.title()}-PublicApi")
    cluster, service = outputs["ClusterName"], outputs["PublicApiService"]
    if controller == "own":
        fleet = EcsFleet(ecs, boto3.client("elbv2"), cluster=cluster, service=service)
        return Controller(fleet, patience=Patience(bake_seconds=bake_seconds), say=_say)
    return EcsDeployment(ecs, cluster=cluster, service=service, patience_seconds=3600 + bake_seconds, say=_say)


def _read_outputs(stack: str) -> dict[str, str]:
    client = boto3.client("cloudformation")
    try:
        found: Any = client.describe_stacks(StackName=stack)["Stacks"]
    except client.exceptions.ClientError as error:
        raise DeliveryError(f"{stack} cannot be read: {error}") from error
    return {output["OutputKey"]: output["OutputValue"] for output in found[0].get("Outputs", ())}


def _now() -> datetime:
    return datetime.now(UTC)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
