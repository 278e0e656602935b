"""The Python client, sync and async, against both APIs' own applications behind sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest

import presage_client.resources
from presage_client import AsyncClient, Batching, Client
from presage_client import models as m
from presage_client.caller import AsyncPages, Pages
from presage_client.errors import (
    ConnectionFailedError,
    ForbiddenError,
    InvalidInputError,
    JobFailedError,
    NotFoundError,
    ProblemError,
    RecordsRefusedError,
    UnauthenticatedError,
)
from tests.fixtures.live_apis import LiveApis, serve, serve_apis
from tests.fixtures.python_client import make_policy
from tests.fixtures.schema_samples import Samples
from tests.fixtures.serving import NOW
from tests.unit.clients.test_operations import DOCUMENTS, METHODS, OPERATIONS, Described, make_arguments, read_hints

BEFORE = NOW - timedelta(days=1)


class Live:
    """Calls the sync client."""

    def __init__(self, apis: LiveApis, **options: Any) -> None:  # noqa: ANN401 - the client's own
        self._options = {"workspace": apis.workspace, "public": apis.public} | options

    def call(self, name: str, /, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the client's own
        with Client(**self._options) as client:
            answer = attrgetter(name)(client)(*arguments, **named)
            return list(answer) if isinstance(answer, Pages) else answer

    def write(self, names: list[str], **options: Any) -> None:  # noqa: ANN401 - the writer's own
        with Client(**self._options) as client, client.record_writer("orders", **options) as writer:
            for name in names:
                writer.write(entity_id=name, event_timestamp=BEFORE, values={"spent": 1.5, "shop": "a"})


class AsyncLive(Live):
    """Calls the async client."""

    def call(self, name: str, /, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the client's own
        return anyio.run(partial(self._call, name, *arguments, **named))

    async def _call(self, name: str, /, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the client's own
        async with AsyncClient(**self._options) as client:
            answer = attrgetter(name)(client)(*arguments, **named)
            return [item async for item in answer] if isinstance(answer, AsyncPages) else await answer

    def write(self, names: list[str], **options: Any) -> None:  # noqa: ANN401 - the writer's own
        async def write_all() -> None:
            async with AsyncClient(**self._options) as client, client.record_writer("orders", **options) as writer:
                for name in names:
                    await writer.write(entity_id=name, event_timestamp=BEFORE, values={"spent": 1.5, "shop": "a"})

        anyio.run(write_all)


@pytest.fixture
def apis(tmp_path: Path) -> Iterator[LiveApis]:
    with serve_apis(tmp_path) as apis:
        yield apis


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApis]:
    """For calls that leave nothing that matters to the next."""
    with serve_apis(tmp_path_factory.mktemp("lasting")) as apis:
        yield apis


@pytest.fixture(params=[Live, AsyncLive], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> type[Live]:
    kind: type[Live] = request.param
    return kind


@pytest.fixture
def live(kind: type[Live], apis: LiveApis) -> Live:
    return kind(apis)


def test_from_a_dataset_to_an_experiment(live: Live) -> None:
    dataset = live.call("datasets.create", name="orders", entity="customer", columns=[m.Column(name="spent", type="number")])
    view = m.FeatureView(name="orders", dataset="orders", features=[m.Feature(name="n", function="count")])
    spec = m.ModelSpec(
        kind="classification",
        observations=m.Observations(dataset="orders"),
        label=m.Label(dataset="orders", window_days=30),
        feature_views=[view],
    )
    model = live.call("models.create", name="again", default="0", spec=spec)
    primary = m.Metric(name="bought", kind="conversion", dataset="orders")
    experiment = live.call("experiments.create", name="trial", model="again", primary=primary, planned_units=2000)

    assert live.call("datasets.get", dataset.dataset_id).columns == [m.Column(name="spent", type="number")]
    assert live.call("models.get", model.model_id).spec == spec
    assert [each.experiment_id for each in live.call("experiments.list")] == [experiment.experiment_id]
    assert live.call("experiments.get", experiment.experiment_id).plan.primary.name == "bought"


def test_lists_are_read_to_their_end(live: Live) -> None:
    made = [live.call("datasets.create", name=f"set{number}", entity="customer").dataset_id for number in range(5)]

    assert sorted(each.dataset_id for each in live.call("datasets.list", limit=2)) == sorted(made)


def test_a_file_is_uploaded_and_imported_by_a_job(live: Live, apis: LiveApis, tmp_path: Path) -> None:
    dataset = live.call("datasets.create", name="orders", entity="customer")
    source = tmp_path / "orders.csv"
    source.write_bytes(b"customer,at,spent\n" + b"c1,2026-01-01,3\n" * 100_000)

    upload = live.call("upload", dataset.dataset_id, source)
    job = live.call(
        "datasets.create_import", dataset.dataset_id, key=upload.key, format="csv", entity_column="customer", event_timestamp_column="at"
    )
    live.call("jobs.cancel", job.job_id)

    assert apis.storage.objects[upload.key] == source.read_bytes()
    with pytest.raises(JobFailedError, match="is cancelled"):
        live.call("jobs.wait", job.job_id, timeout_seconds=30)


def test_a_file_is_downloaded_and_checked(live: Live, apis: LiveApis, tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    apis.storage.objects["p.parquet"] = content
    url = f"{apis.storage_url}/p.parquet?X-Amz-Signature=signed"
    file = m.BatchPredictionFile(url=url, rows=1, bytes=len(content), sha256=sha256(content).hexdigest())

    assert live.call("download", file, tmp_path / "p.parquet").read_bytes() == content


def test_secrets_are_shown_once_and_in_no_repr(live: Live) -> None:
    key = live.call("api_keys.create", name="server", plan="standard")
    webhook = live.call("webhooks.create", url="https://example.com/hook")
    member = live.call("users.create", email="bob@example.com", name="Bob")

    for value, text in ((key, key.key), (webhook, webhook.secret), (member, member.token)):
        assert len(text) > 10
        assert text not in repr(value)
    live.call("api_keys.revoke", key.api_key_id)
    assert [each.revoked_at is None for each in live.call("api_keys.list")] == [False]


def test_predictions_are_asked_for_and_read_back(live: Live, apis: LiveApis) -> None:
    answered, refused = live.call("public.predict", model="buys-again", features=[{"id": "c1"}, {"id": 3}], explain=True).results
    apis.world.ship()

    logged = live.call("public.get_prediction", answered.prediction_id)

    assert (answered.answered_by, answered.entity_found, refused.error.path) == ("model", True, "$.features[1].id")
    assert set(answered.explanation.contributions) == {"orders__n", "orders__spent", "orders__last"}
    assert (logged.result.prediction, logged.entity_id, logged.created_at.tzinfo) == (answered.prediction, "c1", UTC)


def test_a_prediction_whose_answer_was_lost_is_made_once(kind: type[Live], apis: LiveApis) -> None:
    apis.gateway.losses = 2

    kind(apis, policy=make_policy(first_seconds=0.01)).call("public.predict", model="buys-again", features=[{"id": "c1"}])
    apis.world.ship()

    assert apis.gateway.calls == 3
    assert len(apis.world.log.entries) == 1


@pytest.mark.parametrize("losses", [0, 3])
def test_written_records_land_once_each(kind: type[Live], apis: LiveApis, losses: int) -> None:
    apis.gateway.losses = losses
    names = [f"c{number}" for number in range(1_234)]

    kind(apis).write(names, policy=make_policy(first_seconds=0.01))

    landed = [record.entity_id for batch in apis.records.batches for record in batch.records]
    assert landed == names
    assert apis.gateway.calls == 3 + losses


def test_written_records_that_are_invalid_are_told_and_the_rest_lands(live: Live, apis: LiveApis) -> None:
    with pytest.raises(RecordsRefusedError) as caught:
        live.write(["c1", "c2", "x" * 300, "c3"], batching=Batching(max_records=2))

    assert [(len(each.record.entity_id), each.path) for each in caught.value.refusals] == [(300, "$.entity_id")]
    assert sorted(record.entity_id for batch in apis.records.batches for record in batch.records) == ["c1", "c2", "c3"]


def test_refusals_come_as_what_they_are(kind: type[Live], apis: LiveApis) -> None:
    live = kind(apis)

    with pytest.raises(UnauthenticatedError):
        kind(apis, workspace=(apis.workspace_url, "wrong")).call("workspace.get")
    with pytest.raises(ForbiddenError):
        kind(apis, public=(apis.public_url, "wrong")).call("public.predict", model="buys-again", features=[{"id": "c1"}])
    with pytest.raises(NotFoundError):
        live.call("datasets.get", "ds_other")
    with pytest.raises(InvalidInputError) as caught:
        live.call("holdout.set", share=2.0)
    assert (caught.value.status, caught.value.path) == (400, "$.share")
    assert caught.value.request_id


def test_times_are_understood(live: Live) -> None:
    live.call("datasets.create", name="orders", entity="customer")
    with pytest.raises(NotFoundError):
        live.call("models.get_alias", "mdl_other", "production", at=datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_operation_with_all_that_it_takes_is_understood(operation: Described, kind: type[Live], lasting: LiveApis) -> None:
    """Made-up values may be refused for what they say, but not for a field or parameter that the API does not know or cannot read."""
    name = METHODS[str(operation)]
    arguments, _ = make_arguments(operation, *read_hints(name, presage_client.resources), Samples(DOCUMENTS[operation.api]))

    refusal = find_refusal(partial(kind(lasting).call, name, **arguments))

    if refusal is not None:
        assert str(refusal.status) in operation.written["responses"], str(refusal)
        assert refusal.status in {400, 401, 403, 404, 409, 422}, str(refusal)
        assert refusal.code not in {"malformed_json", "unsupported_media_type"}, str(refusal)
        assert not refusal.detail.startswith(("Expected `", "Object contains", "Object missing")), str(refusal)


def find_refusal(call: Callable[[], object]) -> ProblemError | None:
    try:
        call()
    except ProblemError as error:
        return error
    return None


class Hanging:
    """A server that takes a call and never answers."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.release = threading.Event()

    def __call__(self, environment: dict[str, Any], start: Any) -> list[bytes]:  # noqa: ANN401 - WSGI
        self.calls.append(environment.get("HTTP_IDEMPOTENCY_KEY", ""))
        self.release.wait(60)
        start("204 No Content", [])
        return []


def test_a_server_that_does_not_answer_in_time_is_asked_again_only_where_that_is_safe(kind: type[Live], apis: LiveApis) -> None:
    hanging = Hanging()
    with serve(hanging) as url:
        http = (httpx.Client if kind is Live else httpx.AsyncClient)(timeout=0.3)
        live = kind(apis, workspace=(url, "t"), public=(url, "k"), http=http, policy=make_policy(attempts=2, first_seconds=0.01))
        with pytest.raises(ConnectionFailedError, match=r"createUpload: ReadTimeout at 127\.0\.0\.1"):
            live.call("datasets.create_upload", "ds_1", file_name="f.csv")
        with pytest.raises(ConnectionFailedError, match="predict: ReadTimeout"):
            live.call("public.predict", model="buys-again", features=[{"id": "c1"}])
        hanging.release.set()

    assert len(hanging.calls) == 3
    assert hanging.calls[0] == ""
    assert hanging.calls[1] == hanging.calls[2] != ""


def test_where_nobody_listens_is_said(kind: type[Live], apis: LiveApis) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        live = kind(apis, workspace=(url, str(uuid4())), policy=make_policy(attempts=2, first_seconds=0.01))

        with pytest.raises(ConnectionFailedError, match=r"getWorkspace: ConnectError at 127\.0\.0\.1 \(.+\); is the URL right, and up\?"):
            live.call("workspace.get")
