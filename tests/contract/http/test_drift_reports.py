"""Drift reports are asked for and read back as the workspace API's OpenAPI document says."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from presage.drift.comparison import compare_column
from presage.drift.model import DriftReport
from presage.training.reference import ColumnReference
from tests.contract.http.test_backend import Service, openapi, service  # noqa: F401 - fixtures
from tests.fixtures.metadata_rows import NOW, make_version

COLUMN = compare_column(ColumnReference("orders__spent", (1.0,), (60, 40, 0)), (5, 90, 5), alpha=0.01)
REPORT = DriftReport(
    schema=1,
    report_id="2026-03-01",
    model_id="mdl_1",
    version=1,
    training_set_id="f" * 64,
    day=date(2026, 3, 1),
    checked_at=NOW,
    predictions=120,
    entities=100,
    complete=True,
    alpha=0.03,
    tolerance=0.1,
    columns=(COLUMN,),
)


@pytest.fixture
def path(service: Service) -> str:  # noqa: F811 - the fixture
    """Return where the reports on version 1 of the caller's model are."""
    model = service.ports.models.get_model(service.workspace_id, service.create_model())
    service.ports.versions.create_version(make_version(model, 1))
    return f"/models/{model.model_id}/versions/1/drift-reports"


def test_a_check_of_yesterday_is_asked_for_unless_a_day_is_named(service: Service, path: str) -> None:  # noqa: F811 - the fixture
    today = datetime.now(UTC).date()

    jobs = [service.post(path, body) for body in (None, {}, {"day": None}, {"day": today.isoformat()}, {"day": "2026-03-01"})]

    yesterday = (today - timedelta(days=1)).isoformat()
    assert [job["arguments"]["day"] for job in jobs] == [yesterday, yesterday, yesterday, today.isoformat(), "2026-03-01"]
    assert {(job["kind"], job["state"]) for job in jobs} == {("check_drift", "queued")}


@pytest.mark.parametrize(("body", "at"), [({"day": "2999-01-01"}, "$.day"), ({"day": "soon"}, "$.day"), ({"days": 1}, "$.days")])
def test_a_day_to_come_or_none_is_refused(service: Service, path: str, body: dict[str, object], at: str) -> None:  # noqa: F811 - the fixture
    assert service.refuse("POST", path, body) == (400, "invalid_input", at)
    assert service.get("/jobs")["items"] == []


def test_reports_are_listed_and_read(service: Service, path: str) -> None:  # noqa: F811 - the fixture
    model_id = path.split("/")[2]
    for number in (1, 2, 3):
        day = date(2026, 3, number)
        report = replace(REPORT, report_id=day.isoformat(), model_id=model_id, day=day)
        service.ports.drift_reports.create_report(service.workspace_id, (model_id, 1), report.report_id, msgspec.json.encode(report))

    page = service.get(f"{path}?limit=2")
    found = service.get(f"{path}/2026-03-02")

    assert page["items"] == [{"report_id": "2026-03-01"}, {"report_id": "2026-03-02"}]
    assert service.get(f"{path}?limit=2&after={page['next']}") == {"items": [{"report_id": "2026-03-03"}], "next": None}
    assert (found["day"], found["columns"][0]["counts"]) == ("2026-03-02", [5, 90, 5])
    assert service.refuse("GET", f"{path}/2026-03-09")[:2] == (404, "not_found")


@pytest.mark.parametrize(("method", "below"), [("POST", ""), ("GET", ""), ("GET", "/2026-03-01")])
def test_another_workspaces_version_has_no_reports(service: Service, path: str, method: str, below: str) -> None:  # noqa: F811 - the fixture
    service.enter("Other")

    assert service.refuse(method, f"{path}{below}", {})[:2] == (404, "not_found")
