"""What the pages of experiments show of plans, looks and orders, and what they refuse."""

import json
import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
import pytest
from werkzeug.test import TestResponse

from presage.experiments.evidence import LookDetail
from presage.experiments.model import State
from services.backend.pages.trials import STATES
from tests.contract.http.test_backend import PRIMARY, Service, openapi, service
from tests.contract.http.test_experiment_results import BEGIN, DAY, Running
from tests.fixtures.metadata_rows import make_version

__all__ = ["openapi", "service"]  # fixtures

FORM = {"name": "by form", "model": "again", "metric": "bought", "kind": "conversion", "dataset": "orders"}
GIVEN = {"units_a_day": "1000", "baseline_mean": "0.1"}


def visit(owner: Service, path: str, form: Mapping[str, str] | None = None) -> TestResponse:
    headers = {"authorization": f"Bearer {owner.token}", "sec-fetch-site": "same-origin"}
    return owner.client.open(path, method="GET" if form is None else "POST", data=form, headers=headers)


def read_text(answer: TestResponse) -> str:
    """Return what the page says, without its tags, its scripts and its line breaks."""
    text = re.sub(r"<script.*?</script>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(text.split())


def read_chart(answer: TestResponse, place: str) -> dict[str, Any]:
    found = re.search(rf'data-into="{place}">(.*?)</script>', answer.text, re.DOTALL)
    assert found is not None
    spec: dict[str, Any] = json.loads(found[1])
    return spec


def read_sql(running: Running) -> str:
    """Return what counted the primary metric at the newest look."""
    look = running.service.ports.experiments.list_looks(running.workspace_id, running.experiment_id)[-1]
    return str(msgspec.convert(look.detail, LookDetail).primary.counted.sql)


@pytest.fixture
def running(service: Service) -> Running:
    return Running(service, service.create_experiment())


@pytest.fixture
def place(running: Running) -> str:
    return f"/experiments/{running.experiment_id}"


def test_every_state_has_words() -> None:
    assert set(STATES) == set(get_args(State))


def test_a_running_experiment_tells_its_figures_and_what_it_waits_for(running: Running, place: str) -> None:
    running.run(control=90, treatment=99, units=900)
    running.look(BEGIN + 4 * DAY)
    running.look(BEGIN + 5 * DAY)
    answer = visit(running.service, place)
    text = read_text(answer)
    assert "It is running" in text
    assert "bought primary treatment 900, 900 90, 99 10.00 % 11.00 % +1 points" in text
    assert "+1 points -" in text
    assert "Days open 5 of 7 whole days since the first unit was met" in text
    assert "Units passed 900 of 500 counted units in the smaller variant" in text
    assert "Running : keep running: min_days." in text
    assert "Chance alone gives such a split" in text
    assert "after 90 days or 2,000 counted units" in text
    assert "presage experiments verify" in text
    assert f"bought {read_sql(running)}" in text
    assert "Ann started" in text
    assert "the season begins" in text


def test_the_chart_shows_each_look_s_interval_against_zero(running: Running, place: str) -> None:
    running.run(control=90, treatment=99, units=900)
    for days in (4, 5, 6):
        running.look(BEGIN + days * DAY)
    spec = read_chart(visit(running.service, place), "intervals")
    points = spec["data"]["values"]
    assert [point["number"] for point in points] == [1, 2, 3]
    assert {point["arm"] for point in points} == {"treatment"}
    assert all(point["lower"] < point["estimate"] < point["upper"] for point in points)
    assert points[-1]["estimate"] == pytest.approx(0.01)
    assert {"datum": 0} in [layer["encoding"]["y"] for layer in spec["layer"]]


def test_each_arm_has_its_line_and_its_field(service: Service) -> None:
    arms = [{"name": "wide", "weight": 0.33}, {"name": "deep", "weight": 0.33, "version": 1}]
    service.create_model()
    model = service.ports.models.find_model_by_name(service.workspace_id, "again")
    assert model is not None
    service.ports.versions.create_version(make_version(model, 1))
    plan = {"name": "trial", "model": "again", "primary": PRIMARY, "planned_units": 3000, "arms": arms}
    running = Running(service, str(service.post("/experiments", plan)["experiment_id"]))
    running.run(control=90, wide=99, deep=120, units=900)
    running.look(BEGIN + 4 * DAY)
    answer = visit(service, f"/experiments/{running.experiment_id}")
    points = read_chart(answer, "intervals")["data"]["values"]
    assert [point["arm"] for point in points] == ["wide", "deep"]
    assert "Units (arm wide) passed" in read_text(answer)
    changed = {"weight_wide": "0.2", "weight_deep": "0.5", "weights_reason": "deep does well"}
    assert visit(service, f"/experiments/{running.experiment_id}/weights", changed).status_code == 303
    assert "reweighted to wide 20.0 %, deep 50.0 %" in read_text(visit(service, f"/experiments/{running.experiment_id}"))


def test_segments_are_told_apart_with_their_warning(service: Service) -> None:
    segments = [{"name": "spending", "dataset": "orders", "column": "spent", "most_values": 3}]
    running = Running(service, service.create_experiment(segments=segments))
    running.run(control=100, treatment=150)
    running.look(BEGIN + 4 * DAY)
    text = read_text(visit(service, f"/experiments/{running.experiment_id}"))
    assert "segments decide nothing" in text
    assert "without a value treatment 1,000, 1,000 10.00 % 15.00 % +5 points" in text


def test_a_page_is_followed_without_being_replaced_for_nothing(running: Running, place: str) -> None:
    running.run(control=100, treatment=250)
    owner, state = running.service, running.experiment.state
    assert f"{place}/results?seen=0" in visit(owner, place).text
    assert visit(owner, f"{place}/results?seen=0&state={state}").status_code == 204
    running.look(BEGIN + 4 * DAY)
    fresh = visit(owner, f"{place}/results?seen=0&state={state}")
    assert (fresh.status_code, "<html" in fresh.text) == (200, False)
    assert "seen=1" in fresh.text
    running.look(BEGIN + 8 * DAY)
    ended = visit(owner, f"{place}/results?seen=1&state={state}")
    assert (ended.status_code, ended.headers["hx-refresh"]) == (204, "true")
    assert "hx-get" not in visit(owner, place).text


def test_a_conclusion_says_why_and_has_its_certificate_as_a_file(running: Running, place: str) -> None:
    running.run(control=100, treatment=250)
    running.look(BEGIN + 4 * DAY)
    running.look(BEGIN + 8 * DAY)
    owner = running.service
    text = read_text(visit(owner, place))
    assert "the treatment is better than control" in text
    assert "is above 0" in text
    assert "Start it" not in text
    for query in ("", "?look=1"):
        file = visit(owner, f"{place}/certificate{query}")
        assert file.headers["content-disposition"] == f"attachment; filename=certificate-{running.experiment_id}.json"
        assert file.data == owner.call("GET", f"{place}/certificate{query}").data
    assert visit(owner, f"{place}/certificate?look=7").status_code == 404


def test_looks_are_paged(running: Running, place: str) -> None:
    running.run(control=90, treatment=99, units=900)
    for hours in range(22):
        running.look(BEGIN + 4 * DAY + hours * DAY / 24)
    first = visit(running.service, place)
    assert "look=22" in first.text
    assert "look=2&" not in first.text
    second = visit(running.service, f"{place}?after=3")
    assert "look=2" in second.text
    assert "look=1" in second.text
    assert "Look 22" in read_text(second)


def test_orders_take_effect_and_are_told(service: Service) -> None:
    path = f"/experiments/{service.create_experiment()}"
    assert "Start the experiment" in visit(service, path).text
    assert visit(service, f"{path}/start", {"start_reason": "spring"}).location == path
    assert visit(service, f"{path}/extend", {"days": "14", "units": "0", "extend_reason": "a holiday"}).status_code == 303
    assert visit(service, f"{path}/weights", {"weight_treatment": "0.2", "weights_reason": "careful"}).status_code == 303
    text = read_text(visit(service, path))
    assert "after 104 days" in text
    assert "20 % of the units, the version in production" in text
    assert "extended by 14 days a holiday" in text
    assert "reweighted to 20.0 % in treatment careful" in text
    job = visit(service, f"{path}/look", {})
    assert job.location.startswith("/jobs/job_")
    assert visit(service, f"{path}/stop", {"stop_reason": "enough"}).status_code == 303
    assert "It was stopped by hand." in read_text(visit(service, path))


@pytest.mark.parametrize(
    ("act", "form", "said"),
    [
        ("extend", {"days": "0", "units": "0", "extend_reason": "x"}, "an extension adds days, units, or both"),
        ("extend", {"days": "many", "extend_reason": "kept"}, "Expected `int`"),
        ("weights", {"weight_treatment": "1.5", "weights_reason": "x"}, "treatment_share must be above 0"),
        ("weights", {"weight_treatment": "half", "weights_reason": "x"}, "a share is a number such as 0.5"),
        ("start", {"control_version": "1"}, None),
    ],
)
def test_a_refused_order_is_told_beside_the_experiment(
    running: Running, place: str, act: str, form: dict[str, str], said: str | None
) -> None:
    answer = visit(running.service, f"{place}/{act}", form)
    if said is None:  # starting a running one changes nothing
        assert answer.status_code == 303
        return
    assert answer.status_code == 400
    assert said in answer.text
    assert form.get("extend_reason", "") in answer.text


def test_an_outlook_tells_how_long_it_takes_and_nothing_is_made(service: Service) -> None:
    service.create_model()
    answer = visit(service, "/experiments/new", FORM | GIVEN | {"effect": "0.02", "act": "outlook"})
    text = read_text(answer)
    assert answer.status_code == 200
    assert "1,000 new units a day (given)" in text
    assert "To find an effect of 0.02" in text
    outlook = service.post(
        "/experiments/outlooks", {"model": "again", "primary": PRIMARY, "baseline": {"mean": 0.1}, "units_a_day": 1000, "effect": 0.02}
    )
    assert f"plan {outlook['need']['planned_units']:,} units" in text
    assert f'value="{outlook["need"]["planned_units"]}"' in answer.text
    assert 'value="by form"' in answer.text
    assert service.get("/experiments")["items"] == []


def test_a_draft_has_what_the_form_says_and_the_units_of_its_outlook(service: Service) -> None:
    service.create_model()
    sent = FORM | GIVEN | {"act": "create", "control_policy": "random", "treatment_share": "0.25", "min_days": "14", "window_hours": "24"}
    answer = visit(service, "/experiments/new", sent)
    (made,) = service.get("/experiments")["items"]
    assert answer.location == f"/experiments/{made['experiment_id']}"
    plan = made["plan"]
    assert (plan["control_policy"], plan["treatment_share"], plan["gates"]["min_days"]) == ("random", 0.25, 14)
    assert plan["primary"]["window_hours"] == 24
    assert plan["planned_units"] == 28_000


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"dataset": "visits"}, "dataset", "the workspace has no dataset"),
        ({"kind": "sum"}, "value_column", "needs a value_column"),
        ({"min_days": "-1"}, "min_days", "must not be negative"),
        ({"units_a_day": "0", "planned_units": ""}, "units_a_day", "above 0"),
        ({"window_hours": "soon"}, "window_hours", "Expected `int`"),
        ({"units_a_day": "", "baseline_mean": "", "planned_units": ""}, "units_a_day", "no unit was met"),
    ],
)
def test_a_refused_plan_is_shown_again_with_the_fault_at_its_field(
    service: Service, changes: dict[str, str], field: str, said: str
) -> None:
    service.create_model()
    answer = visit(service, "/experiments/new", FORM | {"planned_units": "2000", "act": "create"} | changes)
    assert answer.status_code == 400
    found = re.search(rf'<p class="wrong" id="e-{field}">(.*?)</p>', answer.text)
    assert found is not None, read_text(answer)
    assert said in found[1]
    assert 'value="by form"' in answer.text
    assert service.get("/experiments")["items"] == []


def test_a_form_goes_on_as_json_and_json_makes_what_it_says(service: Service) -> None:
    service.create_model()
    page = visit(service, "/experiments/new", FORM | {"planned_units": "2000", "act": "json"}).text
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    plan = json.loads(found[1].replace("&#34;", '"'))
    assert plan["primary"] == plan["primary"] | PRIMARY
    guardrail = {"metric": {"name": "spent", "kind": "sum", "dataset": "orders", "value_column": "spent"}, "margin": 0.5}
    assert visit(service, "/experiments/new/json", {"plan": json.dumps(plan | {"guardrails": [guardrail]})}).status_code == 303
    (made,) = service.get("/experiments")["items"]
    assert made["plan"]["guardrails"][0]["margin"] == 0.5


def test_a_plan_in_json_is_refused_with_the_place_of_its_fault(service: Service) -> None:
    service.create_model()
    plan = {"name": "n", "model": "again", "primary": PRIMARY, "planned_units": 2000}
    for wrong, where in (({"colour": "red"}, "colour"), ({"arms": [{"name": "Wide", "weight": 0.5}]}, "arms[0].name")):
        answer = visit(service, "/experiments/new/json", {"plan": json.dumps(plan | wrong)})
        assert answer.status_code == 400
        assert f"$.{where}" in answer.text
        assert "planned_units" in answer.text
    assert visit(service, "/experiments/new/json", {"plan": "{"}).status_code == 400


def test_the_list_is_filtered_by_state_and_tells_the_holdout(running: Running) -> None:
    owner = running.service
    assert "trial" in visit(owner, "/experiments?state=running").text
    assert "No experiment is like that" in visit(owner, "/experiments?state=draft").text
    assert "every unit can meet an experiment" in visit(owner, "/experiments").text
    assert visit(owner, "/experiments/holdout", {"share": "0.05"}).status_code == 303
    assert "5.0 % of units meet no experiment" in visit(owner, "/experiments").text
    refused = visit(owner, "/experiments/holdout", {"share": "0.9"})
    assert (refused.status_code, 'value="0.9"' in refused.text) == (400, True)


def test_an_analyst_plans_and_a_viewer_looks(running: Running, place: str) -> None:
    owner = running.service
    for role, texts in (("analyst", {"New experiment"}), ("viewer", set())):
        member = owner.post("/users", {"email": f"{role}@example.com", "name": role, "role": role})
        other = Service(owner.openapi, owner.ports, token=member["token"], workspace_id=owner.workspace_id)
        page, listed = visit(other, place).text, visit(other, "/experiments").text
        assert "It is running" in page
        assert "Take a look now" not in page
        assert "Stop" not in page
        assert all(text in listed for text in texts)
        assert ("New experiment" in listed) == (role == "analyst")
