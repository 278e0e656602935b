"""Brings staging and production in containers up, takes them down, and tells how they are: what `make up CONTAINERS=1` starts."""

import json
import os
from pathlib import Path

from delivery.errors import DeliveryError
from delivery.history import Stage
from localstack import emulator, system_packages
from localstack.containers.engine import REQUIREMENTS
from localstack.containers.ground import PREFERRED_PORTS, STAGES, Ground
from localstack.containers.stages import Stages
from localstack.places import Places
from localstack.program import StartError, reserved
from localstack.screen import Screen
from localstack.stand_ins import list_stand_ins, print_stand_ins
from localstack.state import State, write_private
from localstack.supervised import Kinds, Supervised

KINDS: Kinds = {
    "mariadb_staging": ("real", "MariaDB in place of staging's RDS MySQL"),
    "mariadb_production": ("real", "MariaDB in place of production's RDS MySQL"),
    "podman": ("real", "runs the tasks of the emulator's ECS"),
    "forwarder": ("bridged", "lets containers reach the databases and the emulator"),
    "emulator": ("emulated", "both stages' AWS: ECS, ECR, load balancers, API Gateway, S3, SQS, DynamoDB …"),
}


class ContainerStack:
    """Both stages, below a folder of their own beside the local stage's."""

    def __init__(self, places: Places, screen: Screen) -> None:
        self._places = Places(state=places.state / "stages", cache=places.cache)
        self._screen = screen
        self._supervised = Supervised(self._places, screen, KINDS)
        self._supervisor = self._supervised.supervisor

    @property
    def logs(self) -> Path:
        """The folder of its log files."""
        return self._places.logs

    @property
    def endpoints(self) -> dict[str, str]:
        """The emulator's address and what else whoever uses the stages needs to know; nothing if they are not up."""
        path = self._places.state / "endpoints.json"
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def up(self) -> None:
        """Start what does not run, build the image, deploy what changed.

        Idempotency: what runs and is unchanged stays as it is. If it fails or is interrupted, everything it started is ended.

        Raises:
            StartError: Not root, or a piece did not come up.
        """
        if os.geteuid() != 0:
            raise StartError("containers need root; without them: make up")
        system_packages.install(system_packages.missing((*system_packages.REQUIREMENTS, *REQUIREMENTS)), say=self._screen.say)
        with self._supervised.undone_by(self.down):
            self._up()

    def down(self) -> bool:
        """End every process and every container, and keep the data; return whether any ran."""
        (self._places.state / "endpoints.json").unlink(missing_ok=True)
        ran = self._supervisor.shut_down()
        if ran:
            self._ground().engine.remove_containers()
        return ran

    def is_running(self) -> bool:
        """Return whether it was brought up and not taken down."""
        return self._supervisor.is_running()

    def status(self) -> bool:
        """Print the state of every piece and what each stage runs, asked of the tasks themselves; return whether all is well."""
        if not self._supervised.show():
            return False
        stages = Stages(self._ground(), say=self._screen.say)
        well = [self._print_stage(stages, stage) for stage in STAGES]
        return all(well)

    def _print_stage(self, stages: Stages, stage: Stage) -> bool:
        try:
            described = stages.describe(stage)
        except (DeliveryError, KeyError) as error:
            self._screen.piece(stage, "emulated", f"not deployed: {error}")
            return False
        self._screen.piece(stage, "emulated", described.text)
        return described.is_well

    def _ground(self) -> Ground:
        state = State(self._places.state / "state.json")
        ports = {
            name: state.port(name, preferred, is_ours=self._supervisor.state(name) == "RUNNING")
            for name, preferred in PREFERRED_PORTS.items()
        }
        return Ground(self._places, ports, state.password)

    def _up(self) -> None:
        self._screen.head("processes of staging and production")
        self._supervisor.start()
        ground = self._ground()
        with reserved(ground.ports.values()):
            for program in ground.list_programs():
                self._supervised.put(program, port=ground.ports.get(program.name))
        stages = Stages(ground, say=self._screen.say)
        self._screen.head("image of the public API")
        digest = stages.build()
        self._screen.say(digest)
        self._screen.head("cdk deploy of both stages")
        if stages.deploy(digest, State(self._places.state / "state.json")):
            print_stand_ins(list_stand_ins(ground.deployed.client("cloudformation"), containers=True), self._screen)
        for stage in STAGES:
            stages.open(stage)
        self._supervisor.signal("emulator", "USR1")
        self._write_endpoints(ground, stages)
        self._screen.head("up")
        self.status()
        self._screen.say(f"let a stage run another build: make release STAGE=staging BUILD={digest} CONTROLLER=own")

    def _write_endpoints(self, ground: Ground, stages: Stages) -> None:
        gateways = {f"{stage}_gateway_url": stages.gateway_url(stage) for stage in STAGES}
        facts = {"emulator_url": emulator.endpoint(ground.ports["emulator"]), **gateways}
        write_private(self._places.state / "endpoints.json", json.dumps(facts, indent=1).encode())
