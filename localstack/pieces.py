"""The pieces of the local stack as programs: the emulator, the databases, the bridges, the services."""

import hashlib
import http
import http.client
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localstack import beanstalk, calls, emulator
from localstack.deployed import Deployed, Service
from localstack.deployment import list_files
from localstack.mariadb import MariaDb
from localstack.places import ROOT, Places
from localstack.postgres import Postgres
from localstack.program import Program, is_listening
from localstack.state import State

PREFERRED_PORTS = {
    "emulator": 4566,
    "mariadb": 3307,
    "postgres": 5433,
    "redshift_data": 8091,
    "emr_serverless": 8092,
    "ecs_tasks": 8093,
    "public_api": 8081,
    "backend": 8082,
    "worker": 8083,
}
WAREHOUSE_DATABASE = "presage"
BEANSTALK_ADDRESS = "127.0.0.1:8000"
HEALTH_PATH = "/healthz"


@dataclass(frozen=True)
class Ports:
    """The loopback port of every piece."""

    by_name: Mapping[str, int]

    def url(self, name: str) -> str:
        """Return the address of a piece that speaks HTTP."""
        return f"http://127.0.0.1:{self.by_name[name]}"

    @staticmethod
    def choose(state: State, *, runs: Callable[[str], bool]) -> "Ports":
        """Return the ports in use; pieces that do not run get the one they had or prefer, or a free one if that is taken."""
        return Ports({name: state.port(name, preferred, is_ours=runs(name)) for name, preferred in PREFERRED_PORTS.items()})


@dataclass(frozen=True)
class Pieces:
    """Builds the programs of one local stack."""

    places: Places
    ports: Ports
    state: State

    @property
    def mariadb(self) -> MariaDb:
        """The MariaDB instance."""
        return MariaDb(self.places.state / "mariadb", self.ports.by_name["mariadb"], self.state.password("mariadb"))

    @property
    def postgres(self) -> Postgres:
        """The PostgreSQL instance."""
        return Postgres(self.places.postgres_data, self.ports.by_name["postgres"], self.state.password("postgres"))

    def machine(self) -> dict[str, str]:
        """Return the variables of the machine that a service finds itself on: where AWS is, the path, the language."""
        java = {"JAVA_HOME": os.environ["JAVA_HOME"]} if "JAVA_HOME" in os.environ else {}
        return {
            **emulator.client_environment(self.ports.by_name["emulator"]),
            "AWS_ENDPOINT_URL_REDSHIFT_DATA": self.ports.url("redshift_data"),
            "AWS_ENDPOINT_URL_EMR_SERVERLESS": self.ports.url("emr_serverless"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(Path.home()),
            "LANG": "C.UTF-8",
            **java,
        }

    def emulator(self, python: Path) -> Program:
        """Return the emulator with provisioners that know the databases and where the services will listen."""
        return emulator.build_program(
            python=python,
            port=self.ports.by_name["emulator"],
            state=self.places.state / "emulator",
            directory=self.places.state,
            provisioning={
                "LOCALSTACK_PROVISIONING_FILE": str(self.places.state / "provisioning.json"),
                calls.FILE_VARIABLE: str(self.places.calls),
                "AWS_ENDPOINT_URL_REDSHIFT_DATA": self.ports.url("redshift_data"),
                "NODE_PATH": str(ROOT / "node_modules"),
            },
        )

    def bridge(self, name: str, arguments: Sequence[str], *, environment: Mapping[str, str]) -> Program:
        """Return `localstack.bridges.<name>` as a program on its port."""
        port = self.ports.by_name[name]
        return Program(
            name=name,
            command=(sys.executable, "-m", f"localstack.bridges.{name}", "--port", str(port), *arguments),
            environment={**self.machine(), calls.FILE_VARIABLE: str(self.places.calls), **environment},
            directory=ROOT,
            is_ready=lambda: is_listening(port),
        )

    def bridges(self) -> list[tuple[Program, str]]:
        """Return the bridges, each with the version of its source."""
        database = f"postgresql://{self.postgres.user}@127.0.0.1:{self.postgres.port}/{WAREHOUSE_DATABASE}"
        logs = self.places.logs
        secret = {"PGPASSWORD": self.postgres.password, **call_as("warehouse_copy")}
        redshift = self.bridge("redshift_data", ["--database-url", database], environment=secret)
        spark = self.bridge("emr_serverless", ["--log-directory", str(logs / "emr_serverless")], environment=call_as("spark"))
        tasks = self.bridge("ecs_tasks", ["--log-directory", str(logs / "ecs_tasks")], environment={})
        version = source_version("localstack/bridges", "localstack/calls.py", "src")
        return [(redshift, version), (spark, version), (tasks, version)]

    def service(self, name: str, deployed: Service, *, listens_on: str) -> tuple[Program, str]:
        """Return a deployed service as a program on its own port, and the version of its source.

        The command is the deployed one, with the address `listens_on` in it replaced.
        """
        port = self.ports.by_name[name]
        words = [word.replace(listens_on, f"127.0.0.1:{port}") for word in deployed.command]
        program = shutil.which(words[0], path=str(Path(sys.executable).parent)) or words[0]
        return (
            Program(
                name=name,
                command=(program, *words[1:]),
                environment={**deployed.environment, **self.machine()},
                directory=ROOT,
                stop_seconds=90,
                is_ready=lambda: answers(port, HEALTH_PATH),
            ),
            source_version("src", f"services/{name}"),
        )

    def instance(self, name: str, deployed: Service, *, environment: Mapping[str, str]) -> tuple[Program, str]:
        """Return an instance of a Beanstalk environment: its bundle unpacked, run by an interpreter with the bundle's requirements only."""
        bundle, port = beanstalk.unpack(deployed.bundle, self.places), self.ports.by_name[name]
        words = [word.replace(BEANSTALK_ADDRESS, f"127.0.0.1:{port}") for word in deployed.command]
        binaries, machine = bundle.python.parent, self.machine()
        here = {"PATH": f"{binaries}{os.pathsep}{machine['PATH']}", "PYTHONPATH": str(bundle.folder)}
        return (
            Program(
                name=name,
                command=(shutil.which(words[0], path=str(binaries)) or words[0], *words[1:]),
                environment={**deployed.environment, **machine, **here, **environment},
                directory=bundle.folder,
                stop_seconds=40,
                is_ready=lambda: answers(port, HEALTH_PATH),
            ),
            bundle.version,
        )

    def daemon(self, worker: Service) -> tuple[Program, str]:
        """Return the daemon that posts the messages of the jobs queue to the worker, as Beanstalk's would: with the option settings."""
        cron = beanstalk.unpack(worker.bundle, self.places).cron
        arguments = (*beanstalk.list_daemon_arguments(worker.options), *(("--cron", str(cron)) if cron else ()))
        return (
            Program(
                name="sqs_daemon",
                command=(sys.executable, "-m", "localstack.sqs_daemon", "--http-url", self.ports.url("worker"), *arguments),
                environment={**self.machine(), **call_as("worker")},
                directory=ROOT,
                is_ready=lambda: True,
            ),
            source_version("localstack/sqs_daemon.py"),
        )


def call_as(component: str) -> dict[str, str]:
    """Return the variable that lets AWS calls of what stands in for a component's role count as that component's."""
    return {calls.COMPONENT_VARIABLE: calls.PREFIX + component}


def answers(port: int, path: str) -> bool:
    """Return whether an HTTP server on the loopback port answers the path with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def source_version(*names: str) -> str:
    """Return a hash of the Python sources of the named files and folders."""
    digest = hashlib.sha256()
    for path in sorted(list_files(names)):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def list_services(pieces: Pieces, deployed: Deployed, outputs: Mapping[str, str]) -> list[tuple[Program, str]]:
    """Return the services as deployed: public API, backend, worker and its daemon, each with the version of its source."""
    worker = deployed.beanstalk(outputs["WorkerEnvironment"])
    return [
        pieces.service("public_api", deployed.task(outputs["PublicApiTaskDefinition"]), listens_on="0.0.0.0:8080"),
        pieces.instance("backend", deployed.beanstalk(outputs["BackendEnvironment"]), environment={}),
        pieces.instance("worker", worker, environment={"AWS_ENDPOINT_URL_ECS": pieces.ports.url("ecs_tasks")}),
        pieces.daemon(worker),
    ]
