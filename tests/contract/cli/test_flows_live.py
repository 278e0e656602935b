"""What the command line does in more than one call, against both APIs' applications behind sockets."""

from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from presage.adapters.memory.job_store import MemoryJobStore
from presage.jobs.model import JobState
from presage_cli.commands.records import run as send_records
from presage_cli.exits import CliError
from presage_cli.record_files import Counted, Line
from presage_cli.sending import Refusals
from presage_client import Client
from presage_client.public_models import Record
from tests.fixtures.command_line import CommandLine
from tests.fixtures.live_apis import API_KEY, LiveApis, Storage, serve, serve_apis
from tests.fixtures.schema_samples import Samples
from tests.fixtures.serving import NOW
from tests.unit.clients.test_operations import DOCUMENTS

PRESAGE = str(Path(sys.executable).with_name("presage"))
AT = NOW.isoformat()
BOTH = ("--entity-column", "who", "--event-timestamp-column", "at")


@pytest.fixture
def apis(tmp_path: Path) -> Iterator[LiveApis]:
    with serve_apis(tmp_path) as apis:
        yield apis


@pytest.fixture
def line(apis: LiveApis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path / "config", name_variables(apis))


def name_variables(apis: LiveApis) -> dict[str, str]:
    return {
        "PRESAGE_BACKEND_URL": apis.workspace_url,
        "PRESAGE_TOKEN": apis.token,
        "PRESAGE_GATEWAY_URL": apis.public_url,
        "PRESAGE_API_KEY": API_KEY,
    }


def list_landed(apis: LiveApis) -> dict[str, Any]:
    return {record.entity_id: record for batch in apis.records.batches for record in batch.records}


def make_dataset(line: CommandLine) -> str:
    made = line.run(
        "datasets", "create", "--name", "orders", "--entity", "customer", "--columns", '{"name": "spent", "type": "number"}', "--json"
    )
    return str(made.json()["dataset_id"])


def test_ndjson_is_sent_and_what_was_not_taken_is_in_a_file(line: CommandLine, apis: LiveApis) -> None:
    record = {"event_timestamp": AT, "values": {"spent": 1}}
    good = [{**record, "entity_id": f"c{number}"} for number in range(1_200)]
    bad = [
        {**record, "entity_id": "x" * 300},
        {**record, "entity": "c1"},
        {"entity_id": "c1", "event_timestamp": "2026-01-01T00:00:00", "values": {}},
    ]
    Path("records.ndjson").write_text("\n".join([*map(json.dumps, [*good, *bad]), "{", ""]))

    ended = line.run("records", "send", "orders", "records.ndjson", "--json")

    assert ended.exit_code == 3
    assert ended.json() == {"read": 1204, "taken": 1200, "refused": 4}
    assert list_landed(apis).keys() == {each["entity_id"] for each in good}
    refused = [json.loads(each) for each in Path("records.ndjson.refused.ndjson").read_text().splitlines()]
    assert sorted(each.get("line", 0) for each in refused) == [0, 1202, 1203, 1204]
    assert next(each["path"] for each in refused if "record" in each) == "$.entity_id"
    assert next(each["message"] for each in refused if each.get("line") == 1203).endswith("for UTC, end it with Z")


def test_when_all_is_taken_there_is_no_file(line: CommandLine) -> None:
    typed = json.dumps({"entity_id": "c1", "event_timestamp": AT, "values": {"spent": 1}})

    ended = line.run("records", "send", "orders", "-", typed=typed)

    assert (ended.exit_code, list(Path().glob("*.refused.ndjson"))) == (0, [])


def test_cells_of_csv_are_what_the_dataset_declares_or_an_option_says(line: CommandLine, apis: LiveApis) -> None:
    make_dataset(line)
    Path("orders.csv").write_text(f'who,at,spent,shop\nc1,{AT},9.5,"007, Bond St"\nc2,{AT},,\nc3,{AT},much,a\nc4,{AT}\n')

    ended = line.run("records", "send", "orders", "orders.csv", *BOTH, "--type", "shop=string")

    landed = list_landed(apis)
    assert ended.exit_code == 3
    assert dict(landed["c1"].values) == {"spent": 9.5, "shop": "007, Bond St"}
    assert dict(landed["c2"].values) == {}
    told = [json.loads(each)["message"] for each in Path("orders.csv.refused.ndjson").read_text().splitlines()]
    assert told == ["spent is 'much', and no number", "the row has 2 cells, the header 4"]


@pytest.mark.parametrize(
    ("header", "told"), [("who,at,spent", "nobody told the type of spent"), ("who,spent", "no column 'at'"), ("who,at,at", "two columns")]
)
def test_a_header_that_says_too_little_sends_nothing(header: str, told: str, line: CommandLine, apis: LiveApis) -> None:
    Path("orders.csv").write_text(f"{header}\nc1,{AT},1\n")

    ended = line.run("records", "send", "orders", "orders.csv", *BOTH, "--json")

    assert (ended.exit_code, told in ended.error()["message"]) == (2, True)
    assert not apis.records.batches


def test_a_key_that_opens_nothing_ends_the_reading(line: CommandLine) -> None:
    row = json.dumps({"entity_id": "c1", "event_timestamp": AT, "values": {}})
    Path("records.ndjson").write_text(f"{row}\n" * 200_000)
    wrong = CommandLine(line.home, {**line.variables, "PRESAGE_API_KEY": "sk_wrong"})

    ended = wrong.run("records", "send", "orders", "records.ndjson", "--json")

    assert ended.exit_code == 4
    assert ended.json()["read"] < 200_000


def test_what_was_read_before_an_interrupt_is_sent(apis: LiveApis, tmp_path: Path) -> None:
    def read() -> Iterator[Line]:
        yield Line(1, "", record=Record(entity_id="c1", event_timestamp=NOW, values={"spent": 1.0}))
        raise KeyboardInterrupt

    with Client(public=apis.public) as client, pytest.raises(CliError) as caught:
        send_records(client, "orders", read(), Refusals(tmp_path / "refused"), (Counted(io.BytesIO()), 0, "orders.csv"))

    assert (caught.value.exit_code, list(list_landed(apis))) == (130, ["c1"])
    assert caught.value.next_step.startswith("send orders.csv again")


def finish_next_job(apis: LiveApis, state: JobState) -> threading.Thread:
    """Let a worker of ours end the next job that there is, in that state."""
    with Client(workspace=apis.workspace) as client:
        workspace_id = client.workspace.get().workspace_id
    jobs = cast("MemoryJobStore", apis.ports.jobs.store)

    def work() -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for job in jobs.list_jobs(workspace_id):
                claimed = jobs.claim_job(job.workspace_id, job.job_id, owner="w", now=datetime.now(UTC), lease_seconds=60)
                assert claimed is not None
                jobs.finish_job(claimed, state=state, message=f"it {state}", result={"rows": 1}, now=datetime.now(UTC))
                return
            time.sleep(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1), ("quarantined", 10), ("cancelled", 9)])
def test_a_file_is_uploaded_imported_and_waited_for(state: JobState, code: int, line: CommandLine, apis: LiveApis) -> None:
    dataset_id = make_dataset(line)
    Path("orders.csv").write_text(f"who,at,spent\nc1,{AT},3\n")
    worker = finish_next_job(apis, state)

    ended = line.run("datasets", "upload", dataset_id, "orders.csv", *BOTH, "--json")
    worker.join()

    assert ended.exit_code == code
    assert (ended.json()["state"], ended.json()["arguments"]["format"]) == (state, "csv")
    assert b"c1," in apis.storage.objects[ended.json()["arguments"]["key"]]
    assert code == 0 or f"it {state}" in ended.error()["message"]


def test_a_job_is_waited_for_no_longer_than_told(line: CommandLine) -> None:
    Path("orders.csv").write_text(f"who,at,spent\nc1,{AT},3\n")
    job = line.run("datasets", "upload", make_dataset(line), "orders.csv", *BOTH, "--no-wait", "--json").json()

    waited = line.run("jobs", "wait", job["job_id"], "--timeout", "0.1", "--json")
    cancelled = line.run("jobs", "wait", job["job_id"], "--timeout", "0.1", "--cancel-on-timeout", "--json")

    assert (job["state"], waited.exit_code, waited.json()["state"]) == ("queued", 11, "queued")
    assert cancelled.exit_code == 11
    assert line.run("jobs", "wait", job["job_id"]).exit_code == 9


def test_an_interrupt_ends_the_waiting_and_says_how_to_go_on(line: CommandLine, apis: LiveApis) -> None:
    Path("orders.csv").write_text(f"who,at,spent\nc1,{AT},3\n")
    job_id = line.run("datasets", "upload", make_dataset(line), "orders.csv", *BOTH, "--no-wait", "--json").json()["job_id"]
    variables = {**name_variables(apis), "XDG_CONFIG_HOME": str(line.home), "PATH": "/usr/bin:/bin"}
    waiting = subprocess.Popen([PRESAGE, "jobs", "wait", job_id], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert waiting.stderr is not None
    assert "queued" in waiting.stderr.readline()

    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=30)

    assert (waiting.returncode, out) == (130, "")
    assert f"presage jobs wait {job_id}, or presage jobs cancel {job_id}" in err
    assert line.run("jobs", "get", job_id, "--json").json()["state"] == "queued"


def test_credentials_are_kept_once_they_are_found_to_be_good(line: CommandLine, apis: LiveApis) -> None:
    alone = CommandLine(line.home, {})
    arguments = ("--backend-url", apis.workspace_url, "--token", "-", "--gateway-url", apis.public_url, "--api-key", "-")

    assert alone.run("log-in", *arguments, typed=f"wrong\n{API_KEY}\n").exit_code == 4
    assert alone.run("log-in", *arguments, typed=f"{apis.token}\nwrong\n").exit_code == 4
    assert alone.run("workspace", "get").exit_code == 4
    assert not line.home.exists()
    logged_in = alone.run("log-in", "shop", *arguments, typed=f"{apis.token}\n{API_KEY}\n")
    assert (logged_in.exit_code, apis.token in logged_in.out + logged_in.err) == (0, False)
    assert alone.run("workspace", "get", "--json").json()["name"] == "Shop"
    assert alone.run("predict", "buys-again", "c1", "--profile", "shop").exit_code == 0
    assert alone.run("workspace", "get", "--profile", "other").exit_code == 2


def test_the_doctor_says_what_is_reached_and_as_whom(line: CommandLine, apis: LiveApis) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
        away = CommandLine(line.home, {**line.variables, "PRESAGE_GATEWAY_URL": nobody}).run("doctor", "--json")
    well = line.run("doctor", "--json")

    assert (well.exit_code, away.exit_code) == (0, 8)
    _, workspace, prediction = well.json()
    assert workspace["detail"].endswith("as Ann <ann@example.com>, owner")
    assert workspace["ms"] >= 0
    assert (prediction["state"], away.json()[2]["state"]) == ("reached", "failed")
    assert apis.token not in well.out
    assert CommandLine(line.home, {}).run("doctor", "--json").json()[1]["state"] == "not set"


class Batch:
    """Answers with a batch prediction of files in a storage."""

    def __init__(self, url: str, contents: list[bytes]) -> None:
        schema = {"$ref": "#/components/schemas/BatchPrediction"}
        files = [
            {
                "url": f"{url}/{number}/part.parquet?X-Amz-Signature=signed",
                "rows": 1,
                "bytes": len(each),
                "sha256": sha256(each).hexdigest(),
            }
            for number, each in enumerate(contents)
        ]
        self.body = json.dumps({**Samples(DOCUMENTS["workspace"]).make(schema), "files": files}).encode()

    def __call__(self, environment: WSGIEnvironment, start: StartResponse) -> list[bytes]:  # noqa: ARG002 - one answer
        start("200 OK", [("content-type", "application/json")])
        return [self.body]


def test_the_files_of_a_batch_prediction_are_downloaded(tmp_path: Path) -> None:
    contents = [bytes([number]) * 100_000 for number in (1, 2)]
    storage = Storage({f"{number}/part.parquet": each for number, each in enumerate(contents)})
    with serve(storage) as url, serve(Batch(url, contents)) as backend:
        line = CommandLine(tmp_path, {"PRESAGE_BACKEND_URL": backend, "PRESAGE_TOKEN": "t"})

        ended = line.run("models", "download-predictions", "mdl_1", "job_1", "-d", str(tmp_path / "made"), "--json")

    assert ended.exit_code == 0, ended.err
    assert [Path(each["file"]).read_bytes() for each in ended.json()] == contents
    assert "Signature" not in ended.out + ended.err


def test_lists_are_read_as_far_as_asked(line: CommandLine) -> None:
    for number in range(5):
        line.run("datasets", "create", "--name", f"set{number}", "--entity", "customer")

    some, every = line.run("datasets", "list", "--limit", "2", "--json"), line.run("datasets", "list", "--all", "--limit", "2", "--json")

    assert (len(some.out.splitlines()), len(every.out.splitlines())) == (2, 5)
    assert "--all shows them" in some.err
    assert every.err == ""
    assert line.run("datasets", "list", "--limit", "5").err == ""


def test_an_answer_goes_to_a_file(line: CommandLine) -> None:
    ended = line.run("public", "openapi", "-o", "openapi.json")

    assert (ended.exit_code, ended.out) == (0, "")
    assert json.loads(Path("openapi.json").read_text())["openapi"].startswith("3.1")


def test_nothing_is_done_without_a_yes(line: CommandLine) -> None:
    key_id = line.run("api-keys", "create", "--name", "web", "--json").json()["api_key_id"]

    refused = line.run("api-keys", "revoke", key_id)

    assert (refused.exit_code, "add --yes" in refused.err) == (2, True)
    assert json.loads(line.run("api-keys", "list", "--json").out)["revoked_at"] is None
    assert line.run("api-keys", "revoke", key_id, "--yes").exit_code == 0
    assert json.loads(line.run("api-keys", "list", "--json").out)["revoked_at"]


def test_entries_that_are_refused_are_told_beside_the_others(line: CommandLine) -> None:
    ended = line.run("predict", "buys-again", "c1", "--entry", '[{"id": 3}]')

    assert ended.exit_code == 3
    assert "model" in ended.out
    assert "wrong_type" in ended.out
