"""The pages of models: what they show, and what their forms do and refuse."""

import json
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from presage.adapters.memory.training_report_store import MemoryTrainingReportStore
from presage.training.model import Model
from tests.fixtures import reported
from tests.fixtures.furnished import Furnished
from tests.fixtures.pages.request import post, read


@pytest.fixture
def place() -> Furnished:
    return Furnished()


@pytest.fixture
def model(place: Furnished) -> Model:
    found = place.ports.models.find_model_by_name(place.workspace_id, "again")
    assert found is not None
    return found


def see(place: Furnished, path: str, role: str = "owner") -> str:
    return " ".join(read(place.client, path, place.tokens[role]).split())  # type: ignore[index] # a role


def test_the_list_tells_what_each_predicts_and_its_last_build(place: Furnished) -> None:
    text = see(place, "/models")
    assert "classification</span> within 30 days, of orders" in text
    assert "version 1</td>" in text
    assert "not built" in text
    assert "New model" not in see(place, "/models", "viewer")
    assert "No model is like that" in see(place, "/models?q=nothing")


def test_a_model_tells_what_it_predicts_and_what_serves(place: Furnished, model: Model) -> None:
    text = see(place, f"/models/{model.model_id}")
    assert "Whether an entity has a record (1) or not (0)" in text
    assert "how many orders" in text
    assert "0.6234" in text
    assert "[0.6111, 0.6345]" in text
    assert "0.6931" in text
    assert "beats its baseline" in text
    assert "Version 2</a> answers" in text
    assert "Roll back" in text
    assert 'data-ask="Let the version that served before serve in production again?' in text
    viewer = see(place, f"/models/{model.model_id}", "viewer")
    assert "Roll back" not in viewer
    assert "Let a version serve" not in viewer


def test_versions_come_in_pages(place: Furnished, model: Model) -> None:
    first = see(place, f"/models/{model.model_id}?limit=1")
    assert ("versions/2" in first, "versions/1" in first) == (True, False)
    second = see(place, f"/models/{model.model_id}?limit=1&after=2")
    assert ("versions/1" in second, "Next page" in second) == (True, False)


def test_a_version_serves_for_a_reason_and_is_rolled_back(place: Furnished, model: Model) -> None:
    path, token = f"/models/{model.model_id}", place.tokens["developer"]
    answer = post(place.client, f"{path}/aliases", token, {"version": "2", "alias": "staging", "reason": "to look at it"})
    assert answer.status_code == 303
    (move,) = place.ports.versions.list_alias_moves(place.workspace_id, model.model_id, "staging")
    assert (move.version, move.reason) == (2, "to look at it")
    assert "to look at it" in see(place, path)
    assert post(place.client, f"{path}/aliases/production/rollback", token, {}).status_code == 303
    assert place.ports.versions.list_alias_moves(place.workspace_id, model.model_id, "production")[0].version == 1
    again = post(place.client, f"{path}/aliases/production/rollback", token, {})
    assert (again.status_code, "has served as production before" in again.text) == (409, True)


def test_a_version_without_a_reason_is_refused_at_its_field(place: Furnished, model: Model) -> None:
    answer = post(place.client, f"/models/{model.model_id}/aliases", place.tokens["owner"], {"version": "1", "alias": "production"})
    assert answer.status_code == 400
    assert 'id="e-reason">reason is missing' in answer.text
    assert place.ports.versions.list_alias_moves(place.workspace_id, model.model_id, "production")[0].version == 2


def test_a_build_is_asked_for_and_followed(place: Furnished, model: Model) -> None:
    path, token = f"/models/{model.model_id}/build", place.tokens["developer"]
    form = {"cutoff": "2026-01-31T12:00", "alias": "staging", "promote": "if_better"}
    assert post(place.client, path, token, form).status_code == 303
    (job, _) = place.ports.jobs.store.list_jobs(place.workspace_id)[:2]
    asked = {"cutoff": "2026-01-31T12:00:00Z", "alias": "staging", "promote": "if_better", "version": 2}
    assert {name: job.arguments[name] for name in asked} == asked
    text = see(place, path)
    assert "Version 2</a> is being built" in text
    assert f"/jobs/{job.job_id}/progress" in text
    for cutoff, said in (("2999-01-01T00:00", "must not be in the future"), ("yesterday", "The cut-off is a time")):
        answer = post(place.client, path, token, form | {"cutoff": cutoff})
        assert (answer.status_code, said in answer.text, 'aria-invalid="true"' in answer.text) == (400, True, True)


def test_retraining_is_set_and_shown(place: Furnished, model: Model) -> None:
    path, token = f"/models/{model.model_id}", place.tokens["developer"]
    assert "Never. What is built so" in see(place, f"{path}/build")
    assert post(place.client, f"{path}/retraining", token, {"every_days": "14", "on_drift": "true"}).status_code == 303
    assert "Every 14 days and when what it is asked has drifted." in see(place, f"{path}/build")
    answer = post(place.client, f"{path}/retraining", token, {"every_days": "400"})
    assert (answer.status_code, 'id="e-every_days"' in answer.text) == (400, True)
    assert post(place.client, f"{path}/retraining", token, {}).status_code == 303
    assert "Never. What is built so" in see(place, f"{path}/build")


def test_feature_values_are_refreshed_only_of_what_serves(place: Furnished, model: Model) -> None:
    path, token = f"/models/{model.model_id}", place.tokens["developer"]
    assert post(place.client, f"{path}/snapshot", token, {}).status_code == 303
    assert "Feature values</a> are being computed" in see(place, f"{path}/build")


def test_a_version_shows_its_figures_segments_and_plots(place: Furnished, model: Model) -> None:
    path = f"/models/{model.model_id}/versions/1"
    text = see(place, path)
    assert "[0.0512, 0.0889]" in text
    assert "By orders__n" in text
    assert "too few to judge" in text
    assert f'src="{path}/plots/roc.svg"' in text
    image = place.client.get(f"{path}/plots/roc.svg", headers={"authorization": f"Bearer {place.tokens['viewer']}"})
    assert (image.mimetype, image.data) == ("image/svg+xml", reported.SVG)
    assert "built before there were reports" in see(place, f"/models/{model.model_id}/versions/2")


def test_a_card_is_a_page_and_a_file(place: Furnished, model: Model) -> None:
    path = f"/models/{model.model_id}/versions/1"
    text = see(place, f"{path}/card")
    assert "gradient boosting, of 3 tried (learning rate 0.1)" in text
    assert "an experiment measures that" in text
    file = place.client.get(f"{path}/card.md", headers={"authorization": f"Bearer {place.tokens['viewer']}"})
    assert file.data == reported.CARD_TEXT
    assert file.headers["content-disposition"] == 'attachment; filename="again-1.md"'
    assert "has no card" in see(place, f"/models/{model.model_id}/versions/2/card")


def test_examples_of_leaks_are_for_those_who_may_read_rows(place: Furnished, model: Model) -> None:
    path = f"/models/{model.model_id}/versions/1/training-set"
    for role, sees in (("analyst", True), ("viewer", False)):
        text = see(place, path, role)
        assert "42 wrong cells (4.2 %)" in text
        assert "800 rows" in text
        assert (str(reported.EXAMPLE["entity_id"]) in text) is sees


def test_lineage_leads_to_the_parts_of_the_data(place: Furnished, model: Model) -> None:
    text = see(place, f"/models/{model.model_id}/versions/1/lineage")
    assert "records/event_month=2026-01/a.parquet" in text
    assert "a" * 64 in text


def test_the_newest_drift_is_shown_and_older_ones_are_found(place: Furnished, model: Model) -> None:
    path = f"/models/{model.model_id}/drift?version=1"
    assert "None of the days from" in see(place, path)
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    body = json.dumps(reported.build_drift(model.model_id, day)).encode()
    place.ports.drift_reports.create_report(place.workspace_id, (model.model_id, 1), day, body)
    text = see(place, path)
    assert "drifted</span>" in text
    assert "[0.2109, 0.6543]" in text
    assert text.index("orders__n") < text.index("steady</span>")
    assert "2026-03-01" not in text
    assert f"/models/{model.model_id}/drift/1/2026-03-01" in see(place, f"{path}&until=2026-03-02")
    assert "0.8765" in see(place, f"/models/{model.model_id}/drift/1/2026-03-01")


def test_a_day_is_checked_once_it_has_come(place: Furnished, model: Model) -> None:
    path, token = f"/models/{model.model_id}/drift", place.tokens["analyst"]
    assert post(place.client, path, token, {"version": "2", "day": "2026-03-02"}).status_code == 303
    job = place.ports.jobs.store.list_jobs(place.workspace_id)[0]
    assert (job.kind, job.arguments["day"], job.arguments["version"]) == ("check_drift", "2026-03-02", 2)
    refused = post(place.client, path, token, {"version": "2", "day": "2999-01-01"})
    assert (refused.status_code, 'id="e-day">2999-01-01 is to come' in refused.text) == (400, True)


def test_batch_predictions_are_begun_and_fetched(place: Furnished, model: Model) -> None:
    path = f"/models/{model.model_id}/batch-predictions"
    assert post(place.client, path, place.tokens["developer"], {"dataset": "orders"}).status_code == 303
    job = place.ports.jobs.store.list_jobs(place.workspace_id)[0]
    assert (job.kind, job.arguments["alias"]) == ("predict_batch", "production")
    assert f"/jobs/{job.job_id}/progress" in see(place, path)
    refused = post(place.client, path, place.tokens["developer"], {"alias": "staging"})
    assert (refused.status_code, 'id="e-alias"' in refused.text) == (400, True)
    assert "upload ids.csv" in see(place, f"{path}/job_1")


def test_a_version_of_before_cards_is_no_error(place: Furnished, model: Model) -> None:
    cast("MemoryTrainingReportStore", place.ports.reports).lake.clear()
    for page in ("", "/card"):
        assert see(place, f"/models/{model.model_id}/versions/1{page}")
