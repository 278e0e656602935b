"""Brings the whole local stack up, takes it down, and tells how it is."""

import contextlib
import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType

from localstack import emulator, system_packages, toolchain
from localstack.deployed import Deployed
from localstack.deployment import Deployment, build_environment, read_own_context
from localstack.pieces import Pieces, Ports, call_as, list_services
from localstack.places import ROOT, Places
from localstack.program import Program, StartError, reserved, wait_until
from localstack.screen import Screen
from localstack.stand_ins import list_stand_ins, print_stand_ins
from localstack.state import State, write_private
from localstack.supervised import Kinds, Supervised

KINDS: Kinds = {
    "mariadb": ("real", "MariaDB in place of RDS MySQL"),
    "postgres": ("real", "PostgreSQL in place of Redshift"),
    "emulator": ("emulated", "S3, SQS, DynamoDB, Lambda, API Gateway, CloudFormation …"),
    "redshift_data": ("bridged", "Redshift Data API on PostgreSQL"),
    "emr_serverless": ("bridged", "EMR Serverless on spark-submit"),
    "ecs_tasks": ("bridged", "ECS RunTask on a process"),
    "public_api": ("bridged", "the ECS service as a process, with its task definition's environment"),
    "backend": ("bridged", "the Beanstalk web environment as a process, with its option settings"),
    "worker": ("bridged", "the Beanstalk worker environment as a process, with its option settings"),
    "sqs_daemon": ("bridged", "Beanstalk's daemon: messages of the jobs queue to the worker"),
}
FUNCTION_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@contextlib.contextmanager
def exclusively(places: Places) -> Iterator[None]:
    """Let one launcher at a time change this local stack; a second one waits."""
    places.state.mkdir(parents=True, exist_ok=True)
    with (places.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Stack:
    """The local stack below one pair of folders."""

    def __init__(self, places: Places, screen: Screen) -> None:
        self._places = places
        self._screen = screen
        self._supervised = Supervised(places, screen, KINDS)
        self._supervisor = self._supervised.supervisor
        self._state = State(places.state / "state.json")

    def up(self) -> None:
        """Start what does not run, deploy what changed, and write down where everything is.

        Idempotency: what runs and is unchanged stays as it is. If it fails or is interrupted, everything it started is ended.

        Raises:
            StartError: A piece did not come up.
        """
        system_packages.install(system_packages.missing(), say=self._screen.say)
        if not self._supervisor.is_running():
            self._places.calls.unlink(missing_ok=True)
        with self._supervised.undone_by(self.down):
            self._up()

    def down(self) -> bool:
        """End every process of the local stack and keep its data; return whether any ran."""
        (self._places.state / "endpoints.json").unlink(missing_ok=True)
        return self._supervisor.shut_down()

    def is_running(self) -> bool:
        """Return whether it was brought up and not taken down."""
        return self._supervisor.is_running()

    def status(self) -> bool:
        """Print the state of every piece; return whether all run."""
        return self._supervised.show()

    def _up(self) -> None:
        self._screen.head("processes")
        self._supervisor.start()
        ports = Ports.choose(self._state, runs=lambda name: self._supervisor.state(name) == "RUNNING")
        with reserved(ports.by_name.values()):
            self._start(Pieces(self._places, ports, self._state))
        self._screen.head("up; `make status` shows it, `make down` ends it")

    def _start(self, pieces: Pieces) -> None:
        self._put(pieces.mariadb.build_program())
        self._put(pieces.postgres.build_program())
        python = emulator.install(self._places, python=sys.executable)
        self._write_provisioning(pieces)
        self._put(pieces.emulator(python))
        deployed = Deployed(emulator.endpoint(pieces.ports.by_name["emulator"]), resources=self._places.state / "resources")
        outputs = self._deploy(pieces, deployed)
        self._screen.head("bridges")
        for program, version in pieces.bridges():
            self._put(program, version=version)
        self._migrate(pieces, outputs)
        self._screen.head("services")
        for program, version in list_services(pieces, deployed, outputs):
            self._put(program, version=version)
        wait_until(self._supervised.all_run, seconds=15, what="the whole stack (`make status` says which piece)")
        self._write_endpoints(pieces, deployed, outputs)

    def _put(self, program: Program, *, version: str = "") -> None:
        self._supervised.put(program, version=version, port=self._state.ports.get(program.name))

    def _write_provisioning(self, pieces: Pieces) -> None:
        mariadb, urls = pieces.mariadb, pieces.ports
        facts = {
            "resources": str(self._places.state / "resources"),
            "region": emulator.REGION,
            "mariadb": {"host": "127.0.0.1", "port": mariadb.port, "user": mariadb.user, "password": mariadb.password},
            "postgres_url": pieces.postgres.url(),
            "postgres_port": pieces.postgres.port,
            "beanstalk_urls": {"WebServer": urls.url("backend"), "Worker": urls.url("worker")},
        }
        write_private(self._places.state / "provisioning.json", json.dumps(facts).encode())

    def _deploy(self, pieces: Pieces, deployed: Deployed) -> dict[str, str]:
        node = toolchain.ensure_node(self._places, say=self._screen.say)
        gateway = emulator.endpoint(pieces.ports.by_name["emulator"])
        deployment = Deployment(
            cdk=toolchain.ensure_cdk(node, say=self._screen.say),
            environment=build_environment(node, emulator_port=pieces.ports.by_name["emulator"]),
            context={
                "stage": "local",
                "lambda_python": FUNCTION_PYTHON,
                "public_api_origin": pieces.ports.url("public_api"),
                "public_api_url": f"{gateway}/_aws/execute-api/{{api}}/{{stage}}",
                "pages_url": pieces.ports.url("backend"),
                "cache_directory": str(self._places.state / "cache"),
                **read_own_context(),
            },
            places=self._places,
        )
        digest = deployment.digest()
        outputs = deployed.outputs()
        if outputs and digest == self._state.deployed:
            self._screen.head("stacks are deployed and unchanged")
            return outputs
        self._screen.head("cdk deploy --all")
        deployment.run(region=emulator.REGION, say=self._screen.say)
        print_stand_ins(list_stand_ins(deployed.client("cloudformation")), self._screen)
        outputs = deployed.outputs()
        if not outputs:
            raise StartError("a stack is not complete; see .local/logs/cdk-deploy.log")
        self._state.note_deployed(digest)
        self._supervisor.signal("emulator", "USR1")
        return outputs

    def _migrate(self, pieces: Pieces, outputs: dict[str, str]) -> None:
        self._screen.head("migrations")
        address = {"host": outputs["DatabaseHost"], "port": outputs["DatabasePort"], "name": outputs["DatabaseName"]}
        metadata = {**address, "secret": outputs["DatabaseCredentials"]}
        warehouse = ["--workgroup", outputs["RedshiftWorkgroup"], "--database", outputs["RedshiftDatabase"]]
        self._run(pieces, "presage.adapters.sql.migrate", [word for name, value in metadata.items() for word in (f"--{name}", value)])
        self._run(pieces, "presage.adapters.redshift.migrate", warehouse)

    def _run(self, pieces: Pieces, module: str, arguments: list[str]) -> None:
        command = [sys.executable, "-m", module, *arguments]
        environment = {**pieces.machine(), **call_as("backend")}  # whose bundle migrates on AWS
        result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise StartError(f"{module} failed:\n{(result.stdout + result.stderr).strip()[-3000:]}")
        for line in result.stdout.splitlines():
            self._screen.say(line)

    def _write_endpoints(self, pieces: Pieces, deployed: Deployed, outputs: dict[str, str]) -> None:
        facts = {
            "gateway_url": outputs["ApiUrl"],
            "backend_url": pieces.ports.url("backend"),
            "worker_url": pieces.ports.url("worker"),
            "public_api_url": pieces.ports.url("public_api"),
            "operator_token": deployed.secret(outputs["OperatorTokenSecret"]),
            "lake_bucket": outputs["LakeBucket"],
            "artifacts_bucket": outputs["ArtifactsBucket"],
            "prediction_table": outputs["PredictionTable"],
            "redshift_workgroup": outputs["RedshiftWorkgroup"],
            "redshift_database": outputs["RedshiftDatabase"],
            "emulator_url": emulator.endpoint(pieces.ports.by_name["emulator"]),
            "redshift_data_url": pieces.ports.url("redshift_data"),
            "region": emulator.REGION,
            "outputs": outputs,
            "pids": {name: self._supervisor.pid(name) for name in KINDS},
        }
        write_private(self._places.state / "endpoints.json", json.dumps(facts, indent=1).encode())


def interrupt_on_sigterm() -> None:
    """Treat SIGTERM like Ctrl-C, so that an interrupted launcher cleans up in both cases."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, on_signal)
