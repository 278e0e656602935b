"""Results, plots, certificates, extensions and outlooks answer as the workspace API's OpenAPI document says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from presage.adapters.memory.traffic_switch import MemoryTrafficSwitch
from presage.adapters.memory.warehouse import MemoryWarehouse
from presage.experiments.certificate import decode_certificate
from presage.experiments.model import Assignment, Look
from presage.experiments.use_cases import AnalysisPorts, analyse_experiment
from presage.features.dataset import Dataset
from presage.features.records import FeatureSetVersion, Record
from presage.predictions.ports import PredictionLogEntry
from presage.progress import ignore_progress
from tests.contract.http.test_backend import Service, openapi, service  # noqa: F401 - fixtures
from tests.fixtures.metadata_rows import make_move

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
BEGIN = NOW - 40 * DAY


class Running:
    """A started experiment of a service, with a warehouse to fill and look at."""

    def __init__(self, owner: Service, experiment_id: str) -> None:
        self.service = owner
        self.experiment_id = experiment_id
        owner.post(f"/experiments/{self.experiment_id}/start", {"reason": "the season begins"})
        ports, self.workspace_id = owner.ports, owner.workspace_id
        self.experiment = ports.experiments.get_experiment(self.workspace_id, self.experiment_id)
        model = ports.models.get_model(self.workspace_id, self.experiment.model_id)
        ports.versions.append_alias_move(make_move(model, 1))
        warehouse = MemoryWarehouse(ports.feature_sets)
        self.analysis = AnalysisPorts(
            store=ports.experiments,
            events=ports.experiment_events,
            warehouse=warehouse,
            ledger=warehouse,
            feature_sets=ports.feature_sets,
            datasets=ports.datasets,
            traffic=MemoryTrafficSwitch(ports.versions),
            certificates=ports.certificates,
        )

    def run(self, *, units: int = 1000, **variants: int) -> None:
        buyers = []
        for variant, buying in variants.items():
            ids = [f"{variant}{number}" for number in range(units)]
            exposures = [Assignment(self.workspace_id, self.experiment_id, unit, unit, variant, BEGIN, 1, ()) for unit in ids]
            self.analysis.warehouse.load_assignments(exposures)
            buyers += ids[:buying]
        land(self.service, buyers, BEGIN + DAY)

    def look(self, as_of: datetime) -> Look:
        return analyse_experiment(
            self.workspace_id, self.experiment_id, as_of=as_of, now=NOW, ports=self.analysis, progress=ignore_progress
        )

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return self.service.get(f"/experiments/{self.experiment_id}{path}")


def land(owner: Service, units: list[str], at: datetime) -> None:
    """Land one record of each unit in the dataset `orders`."""
    dataset = owner.ports.datasets.find_dataset_by_name(owner.workspace_id, "orders")
    assert isinstance(dataset, Dataset)
    records = [Record(f"{unit}-{at:%s}", unit, at, at, {"spent": 2.0}) for unit in units]
    part = owner.ports.feature_sets.put_part(dataset, f"b{at:%s}", f"{at:%Y-%m}", records)
    owner.ports.feature_sets.create_version(FeatureSetVersion(dataset, 1, (part,), NOW))


@pytest.fixture
def running(service: Service) -> Running:  # noqa: F811 - the fixture
    return Running(service, service.create_experiment())


def test_results_begin_with_nothing(running: Running) -> None:
    results = running.get("/results")
    assert (results["state"], results["latest"], results["looks"], results["next"]) == ("running", None, [], None)
    (event,) = results["events"]
    assert (event["kind"], event["reason"]) == ("started", "the season begins")
    assert event["by"].startswith("usr_")


def test_results_tell_the_newest_look_and_page_through_the_others(running: Running) -> None:
    running.run(control=90, treatment=99, units=900)
    for days in range(4, 9):
        running.look(BEGIN + days * DAY)

    page = running.get("/results?limit=2")
    assert [look["number"] for look in page["looks"]] == [5, 4]
    assert page["latest"] == page["looks"][0]
    following = running.get(f"/results?limit=2&after={page['next']}")
    assert [look["number"] for look in following["looks"]] == [3, 2]
    last = running.get(f"/results?limit=2&after={following['next']}")
    assert ([look["number"] for look in last["looks"]], last["next"]) == ([1], None)
    assert last["latest"]["number"] == 5
    (primary,) = page["latest"]["metrics"]
    assert primary["effect"]["value"] == pytest.approx(0.01)
    assert primary["lift"]["value"] == pytest.approx(0.1)
    assert primary["interval"]["lower"] < 0.01 < primary["interval"]["upper"]
    assert {gate["name"] for gate in page["latest"]["gates"]} >= {"min_days", "sample_ratio"}


def test_results_tell_groups_of_units_apart_and_warn(service: Service) -> None:  # noqa: F811 - the fixture
    running = Running(
        service, service.create_experiment(segments=[{"name": "spending", "dataset": "orders", "column": "spent", "most_values": 3}])
    )
    running.run(control=100, treatment=150)
    running.look(BEGIN + 4 * DAY)
    (segment,) = running.get("/results")["segments"]
    assert (segment["segment"], "segments decide nothing" in segment["warning"]) == ("spending", True)
    (group,) = segment["groups"]
    assert (group["kind"], group["value"], group["control"]["units"]) == ("none", None, 1000)
    (arm,) = group["arms"]
    assert (arm["arm"], group["control_mean"], arm["treatment_mean"]) == ("treatment", 0.1, 0.15)
    assert arm["interval"]["lower"] < arm["effect"]["value"] < arm["interval"]["upper"]
    certificate = running.get("/certificate")
    assert certificate["plan"]["segments"] == [{"name": "spending", "dataset": "orders", "column": "spent", "most_values": 3}]
    assert certificate["looks"][0]["detail"]["segments"][0]["groups"][0]["arms"][0]["estimate"] == arm["effect"]
    assert certificate["segments"][0]["statements"][0]["sql"]
    unknown = {"name": "other", "model": "again", "primary": PRIMARY, "planned_units": 2000}
    unknown["segments"] = [{"name": "city", "dataset": "orders", "column": "city"}]
    assert service.refuse("POST", "/experiments", unknown) == (400, "invalid_input", "$.segments[0].column")


@pytest.mark.parametrize("query", ["after=x", "after=1.5", "limit=0"])
def test_a_page_is_asked_for_by_numbers(running: Running, query: str) -> None:
    status, code, path = running.service.refuse("GET", f"/experiments/{running.experiment_id}/results?{query}")
    assert (status, code, path) == (400, "invalid_input", f"?{query.partition('=')[0]}")


def test_the_plot_is_an_image_that_says_what_it_shows(running: Running) -> None:
    running.run(control=100, treatment=104)
    running.look(BEGIN + 4 * DAY)
    answers = [running.service.call("GET", f"/experiments/{running.experiment_id}/results.svg") for _ in range(2)]
    assert answers[0].data == answers[1].data
    assert answers[0].mimetype == "image/svg+xml"
    assert "script-src" not in answers[0].headers["content-security-policy"]
    assert "After look 1" in answers[0].text
    assert "<script" not in answers[0].text


def test_a_conclusion_is_certified(running: Running) -> None:
    running.run(control=100, treatment=250)
    assert running.look(BEGIN + 8 * DAY).decision == "concluded_ship"
    answer = running.service.call("GET", f"/experiments/{running.experiment_id}/certificate")
    certificate = decode_certificate(answer.data)
    assert answer.data == running.service.ports.certificates.find_certificate(running.workspace_id, running.experiment_id)
    assert certificate.conclusion.decision == "concluded_ship"
    assert running.get("/results")["action"]["traffic"] == "model"


def test_each_look_is_certified_and_none_that_was_not_taken(running: Running) -> None:
    path = f"/experiments/{running.experiment_id}/certificate"
    assert running.service.refuse("GET", path)[0] == 404
    running.run(control=100, treatment=104)
    running.look(BEGIN + 4 * DAY)
    running.look(BEGIN + 5 * DAY)
    assert len(running.get("/certificate")["looks"]) == 2
    assert len(running.get("/certificate?look=1")["looks"]) == 1
    for look in (0, 3):
        assert running.service.refuse("GET", f"{path}?look={look}")[0] == 404
    assert running.service.refuse("GET", f"{path}?look=x")[::2] == (400, "?look")


def test_an_extension_is_recorded_and_reckoned_with(running: Running) -> None:
    event = running.service.post(f"/experiments/{running.experiment_id}/extensions", {"days": 14, "units": 500, "reason": "a holiday"})
    assert (event["kind"], event["extra_days"], event["extra_units"], event["reason"]) == ("extended", 14, 500, "a holiday")
    results = running.get("/results")
    assert results["limits"] == {"max_days": 104, "max_units": 2500}
    assert [found["kind"] for found in results["events"]] == ["started", "extended"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"days": 1}, "$"),
        ({"days": 1, "reason": ""}, "$.reason"),
        ({"days": 1, "reason": " "}, "$.reason"),
        ({"reason": "no"}, "$"),
        ({"days": -1, "reason": "back"}, "$.days"),
        ({"days": 10**6, "reason": "for ever"}, "$.days"),
        ({"units": 10**10, "reason": "all"}, "$.units"),
    ],
)
def test_an_extension_adds_something_for_a_reason(running: Running, body: dict[str, Any], path: str) -> None:
    status, code, found = running.service.refuse("POST", f"/experiments/{running.experiment_id}/extensions", body)
    assert (status, code, found) == (400, "invalid_input", path)
    assert len(running.get("/results")["events"]) == 1


def test_only_what_runs_is_extended_and_who_stopped_it_is_recorded(running: Running) -> None:
    stopped = running.service.post(f"/experiments/{running.experiment_id}/stop", {"reason": "the shop closes"})
    assert stopped["state"] == "stopped_by_user"
    assert running.get("/results")["events"][-1]["reason"] == "the shop closes"
    path = f"/experiments/{running.experiment_id}/extensions"
    assert running.service.refuse("POST", path, {"days": 1, "reason": "more"})[:2] == (409, "conflict")


def test_another_workspace_sees_no_results(running: Running) -> None:
    running.service.enter("Other")
    for path in ("results", "results.svg", "certificate"):
        assert running.service.refuse("GET", f"/experiments/{running.experiment_id}/{path}")[0] == 404
    assert running.service.refuse("POST", f"/experiments/{running.experiment_id}/extensions", {"days": 1, "reason": "x"})[0] == 404


PRIMARY = {"name": "bought", "kind": "conversion", "dataset": "orders", "window_hours": 24}


def test_an_outlook_is_made_of_what_is_given(service: Service) -> None:  # noqa: F811 - the fixture
    service.create_model()
    body = {"model": "again", "primary": PRIMARY, "baseline": {"mean": 0.1}, "units_a_day": 1000, "effect": 0.02}
    outlook = service.post("/experiments/outlooks", body)
    assert [found["days"] for found in outlook["durations"]] == [7, 14, 28, 56]
    assert outlook["durations"][0]["minimum_detectable_effect"] > outlook["durations"][1]["minimum_detectable_effect"]
    assert outlook["need"]["days"] == pytest.approx(outlook["need"]["planned_units"] / 1000)
    assert outlook["need"]["expected_days"] < outlook["need"]["days"]


def test_an_outlook_is_measured_on_the_models_own_traffic(service: Service) -> None:  # noqa: F811 - the fixture
    model = service.ports.models.get_model(service.workspace_id, service.create_model())
    last = datetime.combine(NOW.date() - 2 * DAY, datetime.min.time(), UTC) + timedelta(hours=12)
    entries = [
        PredictionLogEntry(
            workspace_id=service.workspace_id,
            prediction_id=f"p{number}",
            model_id=model.model_id,
            model_version=1,
            entity_id=f"u{number % 140}",
            variant="none",
            experiment_id=None,
            created_at=last - timedelta(days=number % 7),
            predicted_for=last - timedelta(days=number % 7),
            request={},
            features={},
            result={"prediction": "1"},
        )
        for number in range(280)
    ]
    service.ports.predictions.put_predictions(entries)
    land(service, [f"u{number}" for number in range(0, 140, 7)], last + timedelta(hours=1))

    outlook = service.post("/experiments/outlooks", {"model": "again", "primary": PRIMARY})

    assert outlook["traffic"] == {"units_a_day": 20.0, "days": 7}
    assert outlook["baseline"] == {"mean": pytest.approx(20 / 140), "variance": pytest.approx(20 / 140 * 120 / 140), "units": 140}
    assert outlook["need"] is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"model": "nobody"}, "$.model"),
        ({"primary": {**PRIMARY, "dataset": "none"}}, "$.primary.dataset"),
        ({"primary": {**PRIMARY, "kind": "sum", "value_column": "weight"}, "baseline": None}, "$.primary.value_column"),
        ({"baseline": None}, "$.baseline"),
        ({"units_a_day": None}, "$.units_a_day"),
        ({"effect": 0.95}, "$.effect"),
        ({"power": 1.0}, "$.power"),
        ({"alpha": 0.0}, "$.alpha"),
        ({"treatment_share": 1.0}, "$.treatment_share"),
        ({"baseline": {"mean": 0.0}}, "$.baseline.variance"),
    ],
)
def test_what_cannot_be_planned_with_is_named(service: Service, change: dict[str, Any], path: str) -> None:  # noqa: F811 - the fixture
    service.create_model()
    body = {"model": "again", "primary": PRIMARY, "baseline": {"mean": 0.1}, "units_a_day": 1000, "effect": 0.02, **change}
    assert service.refuse("POST", "/experiments/outlooks", body)[::2] == (400, path)
