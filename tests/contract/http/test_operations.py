"""Jobs are searched for and retried, and queues looked after, as the OpenAPI document says."""

from typing import Any, cast

import pytest

from presage.adapters.memory.queue_inspector import MemoryQueueInspector
from tests.contract.http.test_backend import OPERATOR, Service, openapi, service  # noqa: F401 - fixtures


@pytest.fixture
def queues(service: Service) -> MemoryQueueInspector:  # noqa: F811
    return cast("MemoryQueueInspector", service.ports.queues)


def submit(service: Service) -> tuple[dict[str, Any], dict[str, Any]]:  # noqa: F811
    """Submit two builds; the second one is cancelled."""
    path = f"/models/{service.create_model()}/builds"
    waiting, cancelled = service.post(path, {}), service.post(path, {})
    return waiting, service.post(f"/jobs/{cancelled['job_id']}/cancel")


def test_a_cancelled_job_is_retried_once(service: Service) -> None:  # noqa: F811
    _, old = submit(service)

    answer = service.call("POST", f"/jobs/{old['job_id']}/retry")
    new = answer.get_json()

    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/v1/jobs/{new['job_id']}")
    assert (new["arguments"], new["retry_of"], new["retried_as"]) == (old["arguments"], old["job_id"], None)
    assert service.get(f"/jobs/{old['job_id']}")["retried_as"] == new["job_id"]
    again = service.call("POST", f"/jobs/{old['job_id']}/retry")
    assert (again.status_code, again.get_json()["code"]) == (409, "conflict")
    assert new["job_id"] in again.get_json()["detail"]
    assert service.refuse("POST", "/jobs/job_none/retry")[:2] == (404, "not_found")


def test_jobs_are_found_by_state_and_kind(service: Service) -> None:  # noqa: F811
    waiting, cancelled = submit(service)

    def find(query: str) -> list[str]:
        return [job["job_id"] for job in service.get(f"/jobs?{query}")["items"]]

    assert find("state=cancelled") == [cancelled["job_id"]]
    assert find("state=queued&state=cancelled&kind=build_model&kind=import_file") == [cancelled["job_id"], waiting["job_id"]]
    assert find("kind=import_file") == []
    page = service.get("/jobs?kind=build_model&limit=1")
    assert find(f"kind=build_model&limit=1&after={page['next']}") == [waiting["job_id"]]


@pytest.mark.parametrize("query", ["state=lost", "state=failed&state=", "kind=build"])
def test_states_and_kinds_that_are_none_are_refused(service: Service, query: str) -> None:  # noqa: F811
    assert service.refuse("GET", f"/jobs?{query}") == (400, "invalid_input", f"?{query.partition('=')[0]}")


def test_the_operator_sees_the_queues_and_redrives_dead_letters(service: Service, queues: MemoryQueueInspector) -> None:  # noqa: F811
    queues.queues["jobs"].dead_letters = [f"{number}" for number in range(105)]

    def call(method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - JSON
        answer = service.call(method, f"/operations/queues{path}", body, token=OPERATOR)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    assert call("GET", "")["items"] == [{"name": "jobs", "waiting": 0, "in_flight": 0, "dead_letters": 105}]
    assert call("POST", "/jobs/redrive", {"limit": 2}) == {"moved": 2}
    assert call("POST", "/jobs/redrive") == {"moved": 100}
    assert call("GET", "")["items"] == [{"name": "jobs", "waiting": 102, "in_flight": 0, "dead_letters": 3}]


@pytest.mark.parametrize("body", [{"limit": 0}, {"limit": 101}, {"all": True}])
def test_a_redrive_is_bounded(service: Service, queues: MemoryQueueInspector, body: dict[str, object]) -> None:  # noqa: F811
    queues.queues["jobs"].dead_letters = ["1"]

    assert service.call("POST", "/operations/queues/jobs/redrive", body, token=OPERATOR).status_code == 400

    assert queues.queues["jobs"].dead_letters == ["1"]


def test_queues_that_do_not_answer_are_unavailable(service: Service, queues: MemoryQueueInspector) -> None:  # noqa: F811
    queues.is_down = True

    for method, path in (("GET", "/operations/queues"), ("POST", "/operations/queues/jobs/redrive")):
        assert service.call(method, path, token=OPERATOR).status_code == 503
