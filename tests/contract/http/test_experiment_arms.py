"""Experiments of several arms answer as the workspace API's OpenAPI document says."""

import pytest

from tests.contract.http.test_backend import PRIMARY, Service, openapi, service  # noqa: F401 - fixtures
from tests.contract.http.test_experiment_results import BEGIN, DAY, Running
from tests.fixtures.metadata_rows import make_move, make_version

ARMS = [{"name": "now", "weight": 0.25}, {"name": "wide", "weight": 0.25, "version": 2}, {"name": "deep", "weight": 0.25, "version": 3}]
PLAN = {"name": "trial", "model": "again", "primary": PRIMARY, "planned_units": 8000, "arms": ARMS}


@pytest.fixture
def running(service: Service) -> Running:  # noqa: F811 - the fixture
    service.create_model()
    model = service.ports.models.find_model_by_name(service.workspace_id, "again")
    assert model is not None
    for number in (1, 2, 3):
        service.ports.versions.create_version(make_version(model, number))
    service.ports.versions.append_alias_move(make_move(model, 1))
    return Running(service, str(service.post("/experiments", PLAN)["experiment_id"]))


def test_a_plan_names_its_arms_and_faults_are_named(running: Running) -> None:
    assert running.get("")["plan"]["arms"] == [{**arm, "version": arm.get("version", "production")} for arm in ARMS]
    for arms, path in (
        ([{**ARMS[0], "version": 9}], "$.arms[0].version"),
        ([ARMS[0], {**ARMS[1], "name": "control"}], "$.arms[1].name"),
        ([{**ARMS[0], "weight": 1.0}], "$.arms"),
        ([{**ARMS[0], "version": "staging"}], "$.arms[0].version"),
    ):
        assert running.service.refuse("POST", "/experiments", {**PLAN, "name": "other", "arms": arms}) == (400, "invalid_input", path)


def test_results_tell_every_arm_and_which_is_shipped(running: Running) -> None:
    running.run(control=100, now=105, wide=220, deep=150)
    running.look(BEGIN + 9 * DAY)
    results = running.get("/results")
    assert results["state"] == "concluded_ship"
    assert [(found["arm"], found["role"]) for found in results["latest"]["metrics"]] == [
        ("now", "primary"),
        ("wide", "primary"),
        ("deep", "primary"),
    ]
    assert results["latest"]["shipped"] == "wide"
    assert results["latest"]["sample_ratio"]["units"] == [1000] * 4
    assert all(found["adjusted_p_value"] >= found["p_value"] for found in results["latest"]["metrics"])
    assert results["action"]["version"] == 2
    svg = running.service.call("GET", f"/experiments/{running.experiment_id}/results.svg").data.decode()
    assert all(f"{arm}, interval" in svg for arm in ("now", "wide", "deep"))
    certificate = running.get("/certificate")
    assert (certificate["conclusion"]["arm"], certificate["conclusion"]["action"]["version"]) == ("wide", 2)
    assert [path["arm"] for path in certificate["metrics"]] == ["now", "wide", "deep"]


def test_weights_of_all_arms_change_together(running: Running) -> None:
    path = f"/experiments/{running.experiment_id}/weights"
    body = {"weights": {"wide": 0.5, "deep": 0.1, "now": 0.1}, "reason": "wide looks safe"}
    changed = running.service.post(path, body)
    assert (changed["allocation_version"], changed["event"]["arm_weights"]) == (2, [0.1, 0.5, 0.1])
    assert running.service.refuse("POST", path, {**body, "weights": {"wide": 0.5}}) == (400, "invalid_input", "$.weights")
    assert running.service.refuse("POST", path, {**body, "treatment_share": 0.5}) == (400, "invalid_input", "$")
    assert running.service.refuse("POST", path, {"treatment_share": 0.5, "reason": "x"}) == (400, "invalid_input", "$.weights")
