"""What a journey does not need but users do, so that the calls behind it are made, and recorded (docs/adr/0009)."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import boto3
import psycopg
import pytest
import requests

from demo import cdnow
from demo.clients import ApiError, JsonClient, JsonObject, put_file
from demo.journey import Journey
from demo.scenario import rfc3339
from demo.stack import Stack
from localstack.calls import Call
from localstack.mails import read_mails
from localstack.places import Places
from localstack.postgres import Postgres
from localstack.state import State
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from tests.contract.wiring.recorded_calls import read_noted, read_record
from tests.fixtures.customer_tables import REQUEST, TIES, Shop, make_order
from tests.fixtures.hooks import receiving
from tests.integration.test_customer_warehouse import open_shop

pytestmark = pytest.mark.e2e

WAIT_SECONDS = 90
WRONG_PASSWORD = "mistyped-by-somebody"
DELIVERY_SECONDS = 240
"""The worker's cron delivers once a minute."""


def test_a_batch_too_large_for_a_message_lands_through_the_lake(journey: Journey) -> None:
    columns = [{"name": "note", "type": "string"}]
    dataset_id = journey.backend.post("/api/v1/datasets", {"name": "notes", "entity": "user", "columns": columns})["dataset_id"]
    records = [
        {"entity_id": f"u{number}", "event_timestamp": "2026-01-01T00:00:00Z", "values": {"note": "x" * 900}} for number in range(400)
    ]

    journey.public.post("/v1/datasets/notes/records", {"records": records})

    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        newest = cast("JsonObject | None", journey.backend.get(f"/api/v1/datasets/{dataset_id}").get("newest_version"))
        if newest and newest["rows"] == len(records):
            return
        time.sleep(1)
    pytest.fail("the batch has not landed")


def test_predictions_too_large_for_a_message_are_logged_through_the_lake(journey: Journey) -> None:
    entries = [{"id": f"{number:02}" + "\U0001f9fa" * 254, "timestamp": rfc3339(journey.scenario.cutoff)} for number in range(100)]

    answer = journey.public.post("/v1/predict", {"model": journey.scenario.model["name"], "features": entries})

    for result, entry in zip(cast("list[JsonObject]", answer["results"]), entries, strict=True):
        assert wait_for_prediction(journey.public, str(result["prediction_id"]))["entity_id"] == entry["id"]


def test_a_call_with_an_idempotency_key_is_executed_once(journey: Journey) -> None:
    public = journey.public.with_headers(idempotency_key=secrets.token_hex(8))
    body = {"model": journey.scenario.model["name"], "features": [{"id": "1", "timestamp": rfc3339(journey.scenario.cutoff)}]}

    with pytest.raises(ApiError, match=" 404 "):
        public.post("/v1/predict", {"model": "not-yet", "features": [{"id": "1"}]})
    first, again = public.post("/v1/predict", body), public.post("/v1/predict", body)

    assert first == again
    with pytest.raises(ApiError, match="idempotency_key_reused"):
        public.post("/v1/predict", {**body, "include_features": True})


def test_a_publishable_key_calls_from_its_origin_through_the_gateway(journey: Journey, stack: Stack) -> None:
    wish = {"name": "page", "kind": "publishable", "origins": ["https://shop.example.com"]}
    key = journey.backend.post("/api/v1/api-keys", wish)
    page = JsonClient(stack.gateway_url, {"x-api-key": str(key["key"]), "origin": "https://shop.example.com"})
    body = {"model": journey.scenario.model["name"], "features": [{"id": "1", "timestamp": rfc3339(journey.scenario.cutoff)}]}

    asked = requests.options(f"{stack.gateway_url}/v1/predict", headers={"origin": "https://shop.example.com"}, timeout=20)

    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "https://shop.example.com")
    assert page.post("/v1/predict", body)["results"]
    with pytest.raises(ApiError, match="secret_key_required"):
        page.get(f"/v1/predictions/{journey.report.last_prediction_id}")
    with pytest.raises(ApiError, match="origin_not_allowed"):
        page.with_headers(origin="https://other.example.com").post("/v1/predict", body)

    usage = journey.backend.get(f"/api/v1/api-keys/{key['api_key_id']}/usage")
    days = cast("list[JsonObject]", usage["days"])
    assert sum(cast("int", day["used"]) for day in days) == 3
    assert days[-1]["remaining"] == cast("int", cast("JsonObject", usage["limits"])["calls_per_month"]) - 3


def test_predictions_are_found_by_entity_and_by_model_and_day(journey: Journey) -> None:
    logged = journey.backend.get(f"/api/v1/predictions/{journey.report.last_prediction_id}")
    days = {str(logged["created_at"])[:10], f"{datetime.now(UTC):%Y-%m-%d}"}

    by_entity = journey.backend.get("/api/v1/predictions", entity=str(logged["entity_id"]))
    by_model = [journey.backend.get("/api/v1/predictions", model="buys-again", day=day) for day in days]

    assert by_entity["items"]
    assert any(page["items"] for page in by_model)


def test_a_prediction_is_traced_back_to_the_parts_its_model_was_trained_on(journey: Journey) -> None:
    (result,) = journey.predict([{"id": "1", "timestamp": rfc3339(journey.scenario.cutoff)}], version=1)
    wait_for_prediction(journey.public, str(result["prediction_id"]))

    lineage = journey.backend.get(f"/api/v1/predictions/{result['prediction_id']}/lineage")

    version = cast("JsonObject", lineage["version"])
    datasets = cast("list[JsonObject]", version["datasets"])
    assert version["cutoff"] == rfc3339(journey.scenario.cutoff)
    assert datasets
    for dataset in datasets:
        head = cast("JsonObject", journey.backend.get(f"/api/v1/datasets/{dataset['dataset_id']}")["newest_version"])
        assert cast("int", dataset["rows"]) <= cast("int", head["rows"])
        assert sum(part["rows"] for part in cast("list[dict[str, int]]", dataset["parts"])) == dataset["rows"]


def test_a_versions_predictions_are_held_against_what_it_was_trained_on(journey: Journey) -> None:
    path = f"/api/v1/models/{journey.report.model_id}/versions/1/drift-reports"
    job_id = str(journey.backend.post(path, {"day": f"{datetime.now(UTC):%Y-%m-%d}"})["job_id"])
    assert wait_for_state(journey.backend, job_id, {"succeeded", "failed"}) == "succeeded"

    result = cast("JsonObject", journey.backend.get(f"/api/v1/jobs/{job_id}")["result"])
    report = journey.backend.get(f"{path}/{result['report_id']}")

    columns = cast("list[JsonObject]", report["columns"])
    assert columns[-1]["name"] == "prediction"
    assert cast("int", report["entities"]) > 0
    assert {sum(cast("list[int]", column["counts"])) for column in columns} == {report["entities"]}
    assert {"report_id": result["report_id"]} in cast("list[JsonObject]", journey.backend.get(path)["items"])


def test_a_versions_training_set_says_what_naive_joins_would_have_got_wrong(journey: Journey) -> None:
    told = journey.backend.get(f"/api/v1/models/{journey.report.model_id}/versions/1/training-set")

    leaks, statistics = cast("dict[str, Any]", told["leak_report"]), cast("dict[str, Any]", told["statistics"])
    assert leaks["rows"] == sum(split["rows"] for split in statistics["splits"].values())
    assert leaks["joins"]["newest_values"]["wrong_cells"] > 0


def test_a_cancelled_build_ends_its_step(journey: Journey) -> None:
    path = f"/api/v1/models/{journey.report.model_id}/builds"
    job_id = journey.backend.post(path, {"cutoff": rfc3339(journey.scenario.cutoff)})["job_id"]
    wait_for_state(journey.backend, str(job_id), {"running"})
    time.sleep(3)

    journey.backend.post(f"/api/v1/jobs/{job_id}/cancel")

    assert wait_for_state(journey.backend, str(job_id), {"cancelled", "succeeded", "failed"}) == "cancelled"


def test_a_key_in_the_free_plan_can_be_revoked(journey: Journey) -> None:
    key = journey.backend.post("/api/v1/api-keys", {"name": "short-lived", "plan": "free"})

    journey.backend.call("DELETE", f"/api/v1/api-keys/{key['api_key_id']}")

    keys = cast("list[JsonObject]", journey.backend.get("/api/v1/api-keys")["items"])
    assert next(each for each in keys if each["api_key_id"] == key["api_key_id"])["revoked_at"]


def test_a_customers_warehouse_is_imported_to_the_row_and_told_of_without_its_password(stack: Stack) -> None:
    journey, places, numbers = Journey(stack, cdnow.build_scenario("CDNOW_sample.txt")), Places(), range(0, 2 * TIES, 2)
    journey.set_up()
    with keep_shop(places) as shop:
        orders = WarehouseOrders(journey, shop)
        shop.add(numbers)
        first = orders.load()
        shop.add([1, 2 * TIES])  # one comes late, behind what was read
        newer, whole = orders.load(since=first["read_until"]), orders.load()
        with pytest.raises(ApiError, match=r"The warehouse refused: .*password authentication failed"):
            orders.load(password=WRONG_PASSWORD)
        shop.add([2 * TIES + 1])
        shop.run(f"ALTER TABLE {shop.name} RENAME COLUMN amount TO total")
        with pytest.raises(ApiError, match=r"quarantined: .*amount removed \(number\)"):
            orders.load()
        landed = orders.release({"columns": {"total": {"into": "amount"}}})

    counts = [(each["rows"], each["accepted"], each["duplicates"], each["invalid"]) for each in (first, newer, whole, landed)]
    assert counts == [(TIES, TIES, 0, 0), (TIES // 2 + 1, 1, TIES // 2, 0), (TIES + 2, 1, TIES + 1, 0), (TIES + 3, 1, TIES + 2, 0)]
    rows = [make_order(number) for number in (*numbers, 1, 2 * TIES, 2 * TIES + 1)]
    assert orders.read() == {(str(row["Order"]), row["customer"], row["bought_at"], row["amount"], row["returned"]) for row in rows}
    told = str(orders.backend.get("/api/v1/jobs")) + str(orders.backend.get("/api/v1/notifications"))
    for text in (told, *(log.read_text(errors="replace") for log in places.logs.glob("*.log"))):
        assert shop.login.password not in text
        assert WRONG_PASSWORD not in text


def test_a_job_that_ended_is_told_of_once_by_a_signed_webhook_and_by_mail(stack: Stack) -> None:
    journey = Journey(stack, cdnow.build_scenario("CDNOW_sample.txt"))
    journey.set_up()
    address = str(journey.backend.call("PUT", "/api/v1/mail-settings", {"enabled": True, "events": ["import_file.*"]})["address"])
    with receiving() as receiver:
        webhook = journey.backend.post("/api/v1/webhooks", {"url": receiver.url, "events": ["*.succeeded"]})
        path = f"/api/v1/webhooks/{webhook['endpoint_id']}"
        receiver.secrets = [str(journey.backend.post(f"{path}/rotate", {"overlap_hours": 0})["secret"])]
        import_visit(journey)
        ended = [wait_for_delivery(journey.backend, each) for each in (path, "/api/v1/mail-settings")]
        run_periodic_task("notify-outside")
        journey.backend.call("DELETE", path)

    (told,) = cast("list[JsonObject]", journey.backend.get("/api/v1/notifications")["items"])
    (call,), (mail,) = receiver.calls, read_mails(stack.emulator_url, address)
    assert [(each["notification_id"], each["state"], each["attempts"]) for each in ended] == [(told["notification_id"], "delivered", 1)] * 2
    assert call["is_ours"]
    assert call["headers"]["idempotency-key"] == told["notification_id"]
    assert (call["body"]["event"], call["body"]["body"]) == ("import_file.succeeded", told["body"])
    assert (mail["Source"], mail["Subject"]) == ("notifications@presage.internal", told["subject"])
    assert str(mail["BodyText"]).startswith(str(told["body"]))


def test_every_call_of_this_run_is_on_the_reviewed_record(journey: Journey, stack: Stack) -> None:
    assert journey.stack is stack
    reviewed: set[Call] = {call for calls in read_record().values() for call in calls}

    assert sorted(read_noted(Places()) - reviewed) == []


def import_visit(journey: Journey) -> None:
    dataset = journey.backend.post("/api/v1/datasets", {"name": "visits", "entity": "customer"})
    path = f"/api/v1/datasets/{dataset['dataset_id']}"
    upload = journey.backend.post(f"{path}/uploads", {"file_name": "prices.csv"})
    put_file(str(upload["url"]), b"who,at,pages\nc1,2026-01-01T00:00:00Z,3\n")
    plan = {"key": upload["key"], "format": "csv", "entity_column": "who", "event_timestamp_column": "at"}
    journey.wait_for_job(str(journey.backend.post(f"{path}/imports", plan)["job_id"]), "importing prices.csv")


def wait_for_delivery(backend: JsonClient, path: str) -> JsonObject:
    """Return the only delivery of a webhook or of mail when it has ended."""
    deadline = time.monotonic() + DELIVERY_SECONDS
    while time.monotonic() < deadline:
        found = cast("list[JsonObject]", backend.get(f"{path}/deliveries")["items"])
        if found and found[0]["state"] != "pending":
            (delivery,) = found
            return delivery
        time.sleep(0.5)
    pytest.fail(f"nothing was delivered: {path}")


def run_periodic_task(name: str) -> None:
    """Call the worker as its daemon does each minute."""
    worker_url = json.loads((Places().state / "endpoints.json").read_text())["worker_url"]
    requests.post(f"{worker_url}/cron/{name}", timeout=WAIT_SECONDS).raise_for_status()


def wait_for_state(backend: JsonClient, job_id: str, states: set[str]) -> str:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        state = str(backend.get(f"/api/v1/jobs/{job_id}")["state"])
        if state in states:
            return state
        time.sleep(0.5)
    pytest.fail(f"job {job_id} is not in one of {sorted(states)}")


def wait_for_prediction(public: JsonClient, prediction_id: str) -> JsonObject:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            return public.get(f"/v1/predictions/{prediction_id}")
        except ApiError as error:
            if " 404 " not in str(error):
                raise
        time.sleep(0.5)
    pytest.fail(f"prediction {prediction_id} is not in the log")


@contextmanager
def keep_shop(places: Places) -> Iterator[Shop]:
    """Have a customer's database on the stack's own PostgreSQL, with a login that may only read."""
    state = State(places.state / "state.json")
    server = Postgres(places.postgres_data, state.ports["postgres"], state.password("postgres"))
    database, reader, password = f"shop_{secrets.token_hex(4)}", f"reader_{secrets.token_hex(4)}", secrets.token_hex(12)
    server.create_database(database)
    shop = open_shop("postgresql", server.url(database))
    shop.create()
    shop.run(
        f"CREATE ROLE {reader} LOGIN PASSWORD '{password}'",
        f"GRANT USAGE ON SCHEMA {shop.name.rpartition('.')[0]} TO {reader}",
        f"GRANT SELECT ON {shop.name} TO {reader}",
    )
    try:
        yield replace(shop, login=replace(shop.login, username=reader, password=password))
    finally:
        shop.run(f"DROP OWNED BY {reader}", f"DROP ROLE {reader}")
        shop.engine.dispose()
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {database}")


class WarehouseOrders:
    """A dataset that gets its rows from a shop's database."""

    def __init__(self, journey: Journey, shop: Shop) -> None:
        self.backend, self._journey, self._shop = journey.backend, journey, shop
        columns = [{"name": "amount", "type": "number"}, {"name": "returned", "type": "boolean"}]
        wish = {"name": "warehouse-orders", "entity": "customer", "columns": columns}
        self._dataset_id = str(self.backend.post("/api/v1/datasets", wish)["dataset_id"])

    @property
    def path(self) -> str:
        return f"/api/v1/datasets/{self._dataset_id}"

    def load(self, password: str = "", **more: object) -> dict[str, Any]:
        """Import with that password, or the right one, and return the job's result."""
        login = self._shop.login
        content = {"host": login.host, "port": login.port, "database": login.database, "username": login.username}
        self.backend.call("PUT", "/api/v1/credentials/shop", {"content": {**content, "password": password or login.password}})
        names = ("table", "cursor_column", "key_column", "entity_column", "event_timestamp_column")
        wish = {"credential": "shop", "kind": "postgresql", **{name: getattr(REQUEST, name) for name in names}}
        return self._await(self.backend.post(f"{self.path}/warehouse-imports", {**wish, **more}))

    def release(self, declared: JsonObject) -> dict[str, Any]:
        """Let the only load in quarantine land, and return the job's result."""
        (load,) = cast("list[JsonObject]", self.backend.get(f"{self.path}/quarantine")["items"])
        return self._await(self.backend.post(f"{self.path}/quarantine/{load['load_id']}/release", declared))

    def read(self) -> set[tuple[object, ...]]:
        """Return what the newest version's parts hold."""
        stack, workspace_id = self._journey.stack, self._journey.report.workspace_id
        lake = S3FeatureSetStore(stack.lake_bucket, boto3.client("s3", endpoint_url=stack.emulator_url, region_name=stack.region))
        version = lake.find_version(workspace_id, self._dataset_id)
        assert version is not None
        rows = list(lake.read_frame(version).select("record_id", "entity_id", "event_timestamp", "amount", "returned").iter_rows())
        assert len(rows) == len(set(rows)) == sum(part.rows for part in version.parts)
        return {(name, entity, time.replace(tzinfo=None), *values) for name, entity, time, *values in rows}

    def _await(self, job: JsonObject) -> dict[str, Any]:
        done = self._journey.wait_for_job(str(job["job_id"]), "importing from a warehouse")
        return cast("dict[str, Any]", done["result"])
