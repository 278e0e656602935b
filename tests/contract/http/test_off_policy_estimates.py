"""Off-policy estimates are asked for, made and read back as the workspace API's OpenAPI document says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from presage.jobs.arguments import EstimateOffPolicy
from presage.off_policy.use_cases import OffPolicyPorts
from presage.progress import ignore_progress
from services.worker.off_policy import run_off_policy
from tests.contract.http.test_backend import Service, openapi, service  # noqa: F401 - fixtures
from tests.fixtures.judged import EXPLORED, LATER, METRIC, TAKEN, Judging
from tests.fixtures.serving import WORKSPACE, build_world

PATH = "/models/mdl_films/versions/2/off-policy-estimates"
BODY = {"metric": msgspec.to_builtins(METRIC), "days": 3}


class Asking:
    """A served ranking in the workspace of a caller, whose jobs are done when asked for."""

    def __init__(self, owner: Service, judging: Judging) -> None:
        self.service, self.judging, self.workspace_id = owner, judging, owner.workspace_id
        owner.ports.models.create_model(replace(judging.model, workspace_id=self.workspace_id))
        owner.ports.datasets.create_dataset(replace(TAKEN, workspace_id=self.workspace_id))
        for number in (1, 2):
            version = judging.versions.get_version(WORKSPACE, "mdl_films", number)
            owner.ports.versions.create_version(replace(version, workspace_id=self.workspace_id))

    def play(self, units: int) -> None:
        ids = [f"u{number}" for number in range(units)]
        results = self.judging.predict_all([{"id": unit, **EXPLORED} for unit in ids])
        self.judging.react(ids, results, lambda film, place: 0.8 if film == "f4" else 0.2 / (1 + place), seed=1)
        self.judging.land()

    def ask(self, body: Any) -> str:  # noqa: ANN401 - JSON
        """Ask, do the job on the workspace that serves, and keep its estimate where the caller reads."""
        job_id = str(self.service.post(PATH, body)["job_id"])
        job = self.service.ports.jobs.store.get_job(self.workspace_id, job_id)
        models = self.service.ports.models
        models.create_model(self.judging.model)
        ports: OffPolicyPorts = self.judging.ports()
        run_off_policy(replace(job, workspace_id=WORKSPACE, created_at=LATER), ignore_progress, models=models, ports=ports)
        kept = self.judging.estimates.find_report(WORKSPACE, ("mdl_films", 2), job_id)
        assert kept is not None
        self.service.ports.estimates.create_report(self.workspace_id, ("mdl_films", 2), job_id, kept)
        return job_id


@pytest.fixture
def asking(service: Service, tmp_path: Path) -> Asking:  # noqa: F811 - the fixture
    return Asking(service, Judging(build_world(tmp_path)))


def test_an_estimate_is_asked_for_and_read_back(asking: Asking) -> None:
    asking.play(400)
    estimate_id = asking.ask({**BODY, "baseline_version": 1, "exploration": {"epsilon": 0.1, "among": 2}})

    found = asking.service.get(f"{PATH}/{estimate_id}")
    assert (found["evidence"]["used"], found["evidence"]["excluded"]) == (400, {})
    assert found["judged"]["doubly_robust"]["lower"] < found["judged"]["doubly_robust"]["upper"]
    assert found["question"]["exploration"] == {"epsilon": 0.1, "among": 2}
    assert found["difference"]["to"] == "baseline"
    assert asking.service.get(PATH) == {"items": [{"estimate_id": estimate_id}], "next": None}


def test_an_estimate_that_is_inconclusive_says_why(asking: Asking) -> None:
    asking.play(3)
    found = asking.service.get(f"{PATH}/{asking.ask(BODY)}")
    assert "100 are needed" in found["judged"]["ips"]["inconclusive"]
    assert found["baseline"] is None


def test_estimates_are_listed_in_pages(asking: Asking) -> None:
    for number in range(3):
        asking.service.ports.estimates.create_report(asking.workspace_id, ("mdl_films", 2), f"job_{number}", b"{}")
    page = asking.service.get(f"{PATH}?limit=2")
    assert page["items"] == [{"estimate_id": "job_0"}, {"estimate_id": "job_1"}]
    assert asking.service.get(f"{PATH}?limit=2&after={page['next']}") == {"items": [{"estimate_id": "job_2"}], "next": None}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({**BODY, "metric": {**BODY["metric"], "kind": "conversion", "item_column": None}}, "$.metric.kind"),
        ({**BODY, "days": 32}, "$.days"),
        ({**BODY, "baseline_version": 7}, "$.baseline_version"),
        ({**BODY, "exploration": {"epsilon": 2}}, "$.exploration.epsilon"),
        ({**BODY, "epsilon": 0.1}, "$"),
        ({"days": 3}, "$"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_a_job_is_made(asking: Asking, body: Any, path: str) -> None:  # noqa: ANN401 - JSON
    status, code, found = asking.service.refuse("POST", PATH, body)
    assert (status, code, found) == (400, "invalid_input", path)
    assert asking.service.get("/jobs")["items"] == []


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("GET", ""), ("GET", "/job_1")])
def test_another_workspaces_version_is_not_found(asking: Asking, method: str, path: str) -> None:
    asking.service.enter("Other")
    assert asking.service.refuse(method, f"{PATH}{path}", BODY)[:2] == (404, "not_found")


def test_an_unknown_version_or_estimate_is_not_found(asking: Asking) -> None:
    assert asking.service.refuse("POST", PATH.replace("/2/", "/9/"), BODY)[:2] == (404, "not_found")
    assert asking.service.refuse("GET", f"{PATH}/job_1")[:2] == (404, "not_found")


def test_the_job_has_what_was_asked(asking: Asking) -> None:
    job = asking.service.post(PATH, BODY)
    arguments = msgspec.convert(job["arguments"], EstimateOffPolicy)
    assert arguments == EstimateOffPolicy("mdl_films", 2, "took", "taken", "film", 24, 3, 0.05)
    assert (job["kind"], job["state"]) == ("estimate_off_policy", "queued")
