"""The AWS emulator (MiniStack, LocalStack-compatible) in an environment of its own."""

import http
import http.client
import os
from collections.abc import Mapping
from pathlib import Path

from localstack.environments import ensure_environment
from localstack.places import ROOT, Places
from localstack.program import Program

REQUIREMENTS = ("ministack[full]==1.5.33", "boto3>=1.43", "psycopg[binary]>=3.2", "pymysql>=1.1")
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION}


def install(places: Places, *, python: str) -> Path:
    """Return the emulator's interpreter; its environment is made first if it is missing or of other requirements.

    Raises:
        StartError: uv is missing or could not install.
    """
    return ensure_environment(places.cache / "ministack-venv", places=places, python=python, requirements=REQUIREMENTS)


def endpoint(port: int) -> str:
    """Return the emulator's URL."""
    return f"http://127.0.0.1:{port}"


def client_environment(port: int) -> dict[str, str]:
    """Return the variables that point any AWS client at the emulator."""
    url = endpoint(port)
    return {**CREDENTIALS, "AWS_ENDPOINT_URL": url, "AWS_ENDPOINT_URL_S3": url, "AWS_EC2_METADATA_DISABLED": "true"}


def build_program(
    *, python: Path, port: int, state: Path | None, provisioning: Mapping[str, str] | None = None, directory: Path
) -> Program:
    """Return the emulator as a program; with a `state` folder, what it holds outlives it.

    `provisioning` holds variables for the provisioners and for functions (the emulator's functions inherit its environment).
    """
    environment = {
        **CREDENTIALS,
        "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",  # functions are run by `python3` of the PATH
        "HOME": str(Path.home()),
        "TMPDIR": str(directory.absolute() / f"emulator-{port}-temporary"),  # emptied by each start
        "LANG": "C.UTF-8",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
        **(provisioning or {}),
    }
    if state is not None:
        state.mkdir(parents=True, exist_ok=True)
        environment |= {"PERSIST_STATE": "1", "STATE_DIR": str(state / "state"), "S3_PERSIST": "1", "S3_DATA_DIR": str(state / "s3")}
    return Program(
        name="emulator",
        command=(str(python), "-P", str(ROOT / "localstack" / "emulator_main.py")),
        environment=environment,
        directory=directory,
        stops_group=True,
        is_ready=lambda: is_healthy(port),
    )


def is_healthy(port: int) -> bool:
    """Return whether the emulator answers its health route."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_localstack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
