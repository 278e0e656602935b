"""Staging and production side by side, deployed from their own templates to an emulator whose ECS runs containers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from delivery.blue_green import Controller, Patience
from delivery.ecs_fleet import EcsFleet, Question
from delivery.history import Stage, find_live
from delivery.parameter_history import ParameterHistory
from delivery.use_cases import release
from localstack import emulator, toolchain
from localstack.containers.ground import STAGES, Ground
from localstack.deployment import Deployment, build_environment
from localstack.places import ROOT
from localstack.program import StartError
from localstack.state import State

SERVICE = "public_api"
_REGISTRY = "Presage-Registry"
_START_SECONDS = 240


@dataclass(frozen=True)
class Description:
    """What a stage runs, in words, and whether every task of it answers."""

    text: str
    is_well: bool


class Stages:
    """The two stages on their ground; `say` gets the lines worth seeing, the synthesis further context `arguments`."""

    def __init__(self, ground: Ground, *, say: Callable[[str], None], arguments: Mapping[str, str] | None = None) -> None:
        self._ground = ground
        self._say = say
        self._arguments = dict(arguments or {})
        self._histories = ParameterHistory(ground.deployed.client("ssm"))

    def build(self) -> str:
        """Build the public API's image, push it to the registry, which is deployed first, and return its digest.

        Raises:
            StartError: A step failed.
        """
        engine = self._ground.engine
        image = engine.build_image(SERVICE)
        if not self._ground.deployed.outputs(_REGISTRY):
            output = self._synth("staging", "unreleased")
            self._tool("staging", "unreleased").bootstrap(output, region=emulator.REGION, say=self._say)
            self._tool("staging", "unreleased").deploy(output, say=self._say, stacks=[_REGISTRY])
        return engine.push(image, SERVICE)

    def deploy(self, digest: str, state: State) -> bool:
        """Deploy both stages if what they are made from has changed; return whether it had.

        A stage that has run a build keeps the one that is live; a new one runs `digest`.

        Raises:
            StartError: A stack failed.
        """
        builds = {stage: find_live(self._histories.get_history(stage)) or digest for stage in STAGES}
        wanted = " ".join(self._tool(stage, build).digest() for stage, build in builds.items())
        if wanted == state.deployed and all(map(self.outputs, STAGES)):
            return False
        for stage, build in builds.items():
            self._tool(stage, build).deploy(self._synth(stage, build), say=self._say, stacks=[_name_stack(stage)])
        state.note_deployed(wanted)
        return True

    def open(self, stage: Stage) -> None:
        """Bring the stage's schema up to date, wait until its tasks answer, and write down the first build that it runs.

        Raises:
            StartError: The migration failed, or a task did not answer in time.
        """
        self._migrate(stage)
        fleet = self.fleet(stage)
        deadline = time.monotonic() + _START_SECONDS
        while (problem := self._find_problem(fleet)) is not None:
            if time.monotonic() > deadline:
                raise StartError(f"{stage} does not answer after {_START_SECONDS} s: {problem}")
            time.sleep(0.5)
        if not self._histories.get_history(stage):
            live = fleet.find_live()
            build = fleet.find_build(live) if live else None
            if build is None:
                raise StartError(f"{stage} runs no build that has a digest")
            mover = Controller(fleet, patience=Patience(bake_seconds=0), say=self._say)
            release(stage, build, mover=mover, histories=self._histories, now=lambda: datetime.now(UTC))

    def fleet(self, stage: Stage, questions: tuple[Question, ...] = (Question(),)) -> EcsFleet:
        """Return the stage's two colours."""
        outputs, client = self.outputs(stage), self._ground.deployed.client
        return EcsFleet(
            client("ecs"), client("elbv2"), cluster=outputs["ClusterName"], service=outputs["PublicApiService"], questions=questions
        )

    def describe(self, stage: Stage) -> Description:
        """Ask the stage's tasks themselves, not ECS.

        Raises:
            KeyError: The stage is not deployed.
        """
        fleet, url = self.fleet(stage), self.gateway_url(stage)
        live = fleet.find_live()
        if live is None:
            return Description(f"no task runs, {url}", is_well=False)
        problem = fleet.find_problem(live)
        words = "every task answers" if problem is None else problem
        return Description(f"{fleet.count_tasks(live)} tasks on {live}, {words}; {fleet.find_build(live)}, {url}", is_well=problem is None)

    def outputs(self, stage: Stage) -> dict[str, str]:
        """Return the outputs of the stage's stacks; nothing if one is unfinished."""
        return self._ground.deployed.outputs(f"Presage-{stage.title()}-")

    def gateway_url(self, stage: Stage) -> str:
        """Return the address of the stage's gateway on the emulator."""
        outputs = self.outputs(stage)
        return f"{emulator.endpoint(self._ground.ports['emulator'])}/_aws/execute-api/{outputs['ApiId']}/{outputs['ApiStage']}"

    def database_url(self, stage: Stage) -> str:
        """Return the SQLAlchemy URL of the stage's database, as its services open it, but from this machine."""
        outputs = self.outputs(stage)
        credentials = json.loads(self._ground.deployed.secret(outputs["DatabaseCredentials"]))
        user = f"{quote(credentials['username'])}:{quote(credentials['password'])}"
        return f"mysql+pymysql://{user}@127.0.0.1:{outputs['DatabasePort']}/{outputs['DatabaseName']}?charset=utf8mb4"

    @staticmethod
    def _find_problem(fleet: EcsFleet) -> str | None:
        live = fleet.find_live()
        return "no task runs" if live is None else fleet.find_problem(live)

    def _tool(self, stage: Stage, build: str) -> Deployment:
        node = toolchain.ensure_node(self._ground.places, say=self._say)
        return Deployment(
            cdk=toolchain.ensure_cdk(node, say=self._say),
            environment=build_environment(node, emulator_port=self._ground.ports["emulator"]),
            context={"stage": stage, "image_tag": build, **self._arguments},
            places=self._ground.places,
        )

    def _synth(self, stage: Stage, build: str) -> Path:
        output = self._ground.places.state / "cdk.out" / stage
        self._tool(stage, build).synth(output, say=self._say, stacks=[_name_stack(stage)])
        return output

    def _migrate(self, stage: Stage) -> None:
        command = [sys.executable, "-m", "presage.adapters.sql.migrate", "--url", self.database_url(stage)]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StartError(f"the migration of {stage} failed:\n{(done.stdout + done.stderr).strip()[-3000:]}")


def _name_stack(stage: Stage) -> str:
    """The gateway's stack; what it stands on is deployed with it: service, cluster, network, storage, queues, log, database, zone."""
    return f"Presage-{stage.title()}-Gateway"
