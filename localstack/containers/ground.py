"""What staging and production stand on when containers run: databases of their own, podman, and an emulator whose ECS uses it."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from delivery.history import Stage
from localstack import emulator
from localstack.containers.engine import BRIDGE, Engine
from localstack.deployed import Deployed
from localstack.mariadb import MariaDb
from localstack.places import ROOT, Places
from localstack.program import Program
from localstack.state import write_private

STAGES: tuple[Stage, ...] = ("staging", "production")
PREFERRED_PORTS = {"emulator": 4576, "mariadb_staging": 3317, "mariadb_production": 3318}


@dataclass(frozen=True)
class Ground:
    """The servers below one folder; `fast` trades the databases' durability for speed."""

    places: Places
    ports: Mapping[str, int]
    password: Callable[[str], str]
    fast: bool = False

    @property
    def engine(self) -> Engine:
        """The container engine, whose registry is the emulator's."""
        return Engine(self.places, self.ports["emulator"])

    @property
    def deployed(self) -> Deployed:
        """What is deployed on the emulator."""
        return Deployed(emulator.endpoint(self.ports["emulator"]), resources=self.places.state / "resources")

    def database(self, stage: Stage) -> MariaDb:
        """Return a stage's own server: the stages name their databases and users alike."""
        name = f"mariadb_{stage}"
        return MariaDb(self.places.state / name, self.ports[name], self.password(name))

    def list_programs(self) -> list[Program]:
        """Return the programs in the order in which they start; files that they read are written first."""
        self.engine.configure()
        self._write_provisioning()
        databases = [replace(self.database(stage).build_program(fast=self.fast), name=f"mariadb_{stage}") for stage in STAGES]
        return [*databases, self.engine.build_program(), self._forwarder(), self._emulator()]

    def _forwarder(self) -> Program:
        ports = map(str, self.ports.values())
        return Program(
            name="forwarder",
            command=(sys.executable, "-m", "localstack.containers.forwarder", "--address", BRIDGE, *ports),
            directory=ROOT,
            is_ready=lambda: True,
        )

    def _emulator(self) -> Program:
        return emulator.build_program(
            python=emulator.install(self.places, python=sys.executable),
            port=self.ports["emulator"],
            state=self.places.state / "emulator",
            directory=self.places.state,
            provisioning={
                "DOCKER_HOST": self.engine.socket,
                "LOCALSTACK_PROVISIONING_FILE": str(self._provisioning),
                "LOCALSTACK_TASK_ENVIRONMENT": json.dumps(emulator.CREDENTIALS),
                "NODE_PATH": str(ROOT / "node_modules"),
            },
        )

    @property
    def _provisioning(self) -> Path:
        return self.places.state / "provisioning.json"

    def _write_provisioning(self) -> None:
        facts = {
            "resources": str(self.places.state / "resources"),
            "region": emulator.REGION,
            "mariadb": {},
            "mariadb_of_stacks": {f"Presage-{stage.title()}-": self._describe(stage) for stage in STAGES},
            "postgres_url": "",
            "postgres_port": 0,
            "beanstalk_urls": {},
        }
        write_private(self._provisioning, json.dumps(facts).encode())

    def _describe(self, stage: Stage) -> dict[str, Any]:
        server = self.database(stage)
        return {"host": "127.0.0.1", "seen_as": BRIDGE, "port": server.port, "user": server.user, "password": server.password}
