"""The backend under its production server, on real databases: a workspace comes to life over HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest

from localstack.mails import read_mails
from localstack.program import free_port
from presage.adapters.client import build_client
from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.migrate import migrate
from presage.tenancy.audit import verify_chain
from tests.fixtures.backend_settings import build_settings
from tests.fixtures.database_secret import create_secret_of
from tests.fixtures.metadata_rows import unique

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
OPERATOR = "operator-token"
PATIENCE_SECONDS = 60


@dataclass
class Backend:
    url: str
    plan_id: str
    queue_url: str
    dead_letters_url: str
    token: str = OPERATOR

    def enter(self) -> tuple["Backend", str]:
        """Return the owner of a new workspace, and its id."""
        owner = {"email": "ann@example.com", "name": "Ann"}
        status, registration = self.call("POST", "/api/v1/workspaces", {"name": "Shop", "owner": owner})
        assert status == 201
        return replace(self, token=registration["token"]), registration["workspace_id"]

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - our own URL
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own URL
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def backend(emulator: str, mariadb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    engine = build_engine_from_url(mariadb)
    migrate(engine)
    engine.dispose()
    bucket = unique("lake").replace("_", "-")
    build_client("s3").create_bucket(Bucket=bucket)
    boto3.client("ses").verify_domain_identity(Domain="presage.internal")
    plan_id = build_client("apigateway").create_usage_plan(name=unique("standard"))["id"]
    queue_url, dead_letters_url = (build_client("sqs").create_queue(QueueName=unique(name))["QueueUrl"] for name in ("jobs", "dead"))
    address, port = urlsplit(mariadb), free_port()
    settings = build_settings(
        LAKE_BUCKET=bucket,
        CACHE_DIRECTORY=tmp_path_factory.mktemp("cache"),
        JOBS_QUEUE_URL=queue_url,
        QUEUE_URLS=json.dumps({"jobs": queue_url}),
        DEAD_LETTER_URLS=json.dumps({"jobs": dead_letters_url}),
        DATABASE_HOST=address.hostname,
        DATABASE_PORT=address.port,
        DATABASE_NAME=address.path.lstrip("/"),
        DATABASE_SECRET_ARN=create_secret_of(mariadb),
        GATEWAY_USAGE_PLANS=json.dumps({"standard": plan_id}),
        PUBLIC_API_URL=emulator,
        OPERATOR_TOKEN=OPERATOR,
    )
    environment = {**os.environ, "PYTHONPATH": "src", **settings}  # noqa: TID251 - the machine around the service
    command = ["gunicorn", "-c", "python:services.backend.gunicorn_conf", "--bind", f"127.0.0.1:{port}", "services.backend.app:create()"]
    log = tmp_path_factory.mktemp("backend") / "backend.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=output, stderr=output)
    backend = Backend(f"http://127.0.0.1:{port}", plan_id, queue_url, dead_letters_url)
    wait_until_ready(backend, log)
    yield backend
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_SECONDS) == 0


def wait_until_ready(backend: Backend, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if backend.call("GET", "/readyz")[0] == 200:
                return
        except urllib.error.URLError:
            pass
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.1)


class Browser:
    """A browser of the pages: it keeps cookies, follows redirects, and says where its requests are from."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self._opener.addheaders = [("sec-fetch-site", "same-origin")]

    def open(self, path: str, **form: str) -> str:
        with self._opener.open(self.url + path, urlencode(form).encode() if form else None, timeout=30) as answer:
            return str(answer.read().decode())


def read_link(emulator: str, recipient: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:1(/\S+)", read_mails(emulator, recipient)[-1]["BodyText"])
    assert found is not None
    return found[1]


def test_people_sign_up_and_join_by_mail_and_log_in_by_password(backend: Backend, emulator: str) -> None:
    ann, bob = (f"{unique(name)}@example.com" for name in ("ann", "bob"))
    browser, other, password = Browser(backend.url), Browser(backend.url), "seven green bicycles"

    browser.open("/sign-up", email=ann)
    home = browser.open(read_link(emulator, ann), name="Ann", workspace_name="Ann's shop", password=password)
    browser.open("/workspace/members/invite", email=bob, role="analyst")
    joined = other.open(read_link(emulator, bob), name="Bob", password=password)
    fresh = Browser(backend.url)
    again = fresh.open("/log-in", email=bob.upper(), password=password)

    assert "Ann&#39;s shop" in home
    assert "analyst of Ann&#39;s shop" in joined
    assert "analyst of Ann&#39;s shop" in again
    assert [cookie.name for cookie in fresh.cookies if len(cookie.value or "") == 43] == ["presage"]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        Browser(backend.url).open("/log-in", email=ann, password="another password")
    other.open("/log-out", sure="yes")
    assert "Log in" in other.open("/datasets")


def test_a_workspace_gets_a_dataset_a_working_key_and_an_import(backend: Backend) -> None:
    user, workspace_id = backend.enter()

    columns = [{"name": "spent", "type": "number"}]
    _, dataset = user.call("POST", "/api/v1/datasets", {"name": "orders", "entity": "customer", "columns": columns})
    _, key = user.call("POST", "/api/v1/api-keys", {"name": "web", "plan": "standard"})
    path = f"/api/v1/datasets/{dataset['dataset_id']}"
    _, upload = user.call("POST", f"{path}/uploads", {"file_name": "orders.csv"})
    put = urllib.request.Request(upload["url"], data=b"who,at,spent\n", method="PUT")  # noqa: S310 - our own URL
    urllib.request.urlopen(put, timeout=20).close()  # noqa: S310 - our own URL
    body = {"key": upload["key"], "format": "csv", "entity_column": "who", "event_timestamp_column": "at"}
    status, job = user.call("POST", f"{path}/imports", body)

    assert status == 202
    gateway = build_client("apigateway")
    assert gateway.get_api_key(apiKey=key["api_key_id"], includeValue=True)["value"] == key["key"]
    assert key["api_key_id"] in {member["id"] for member in gateway.get_usage_plan_keys(usagePlanId=backend.plan_id)["items"]}
    (message,) = build_client("sqs").receive_message(QueueUrl=backend.queue_url, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"]) == {"schema": 1, "workspace_id": workspace_id, "job_id": job["job_id"], "kind": "import_file"}
    assert user.call("GET", f"/api/v1/jobs/{job['job_id']}")[1]["state"] == "queued"
    assert user.call("GET", path)[1]["newest_version"] is None


def test_what_was_done_is_in_a_chain_that_verifies(backend: Backend) -> None:
    user, _ = backend.enter()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: user.call("POST", "/api/v1/datasets", {"name": f"d{number}", "entity": "customer"}), range(8)))
    export = urllib.request.Request(f"{backend.url}/api/v1/audit/export", headers={"authorization": f"Bearer {user.token}"})  # noqa: S310 - our own URL
    with urllib.request.urlopen(export, timeout=20) as answer:  # noqa: S310 - our own URL
        found = verify_chain(answer)

    assert (found.is_sound, found.head.sequence, found.unended) == (True, 16, 0)
    status, verified = user.call("GET", "/api/v1/audit/verification")
    assert (status, verified["head"]["sha256"]) == (200, found.head.sha256)


def test_the_operator_puts_dead_letters_of_jobs_back(backend: Backend) -> None:
    sqs = build_client("sqs")
    sqs.send_message(QueueUrl=backend.dead_letters_url, MessageBody="{}")

    status, told = backend.call("GET", "/api/v1/operations/queues")
    assert (status, told["items"][0]["dead_letters"]) == (200, 1)
    assert backend.call("POST", "/api/v1/operations/queues/jobs/redrive", {}) == (200, {"moved": 1})
    (message,) = sqs.receive_message(QueueUrl=backend.queue_url, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "{}"


def test_a_stranger_gets_nothing(backend: Backend) -> None:
    stranger = replace(backend, token="nobody")

    assert stranger.call("GET", "/api/v1/datasets")[0] == 401
    assert stranger.call("POST", "/api/v1/workspaces", {"name": "x", "owner": {"email": "a@b.cd", "name": "x"}})[0] == 401
