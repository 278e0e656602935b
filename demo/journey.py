"""The main job, through public interfaces only: data in, model trained, predictions asked, outcomes sent, experiment concluded."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from demo.clients import ApiError, JsonClient, JsonObject, put_file, split, wait_a_moment
from demo.evidence import Evidence, wait_until
from demo.scenario import rfc3339
from demo.screen import bar, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from demo.scenario import DatasetPlan, FilePlan, Scenario
    from demo.stack import Stack

RECORDS_PER_CALL = 500
PREDICTIONS_PER_CALL = 100
JOB_END_STATES = {"succeeded", "failed", "cancelled", "quarantined"}


@dataclass(slots=True)
class Report:
    """What the journey did and what was found of it in the stores."""

    workspace_id: str = ""
    token: str = field(default="", repr=False)
    api_key_id: str = ""
    api_key: str = field(default="", repr=False)
    dataset_ids: dict[str, str] = field(default_factory=dict)
    rows_streamed: int = 0
    rows_imported: int = 0
    samples: dict[str, int] = field(default_factory=dict)
    summaries: dict[str, JsonObject] = field(default_factory=dict)
    model_id: str = ""
    training_set_id: str = ""
    metrics: JsonObject = field(default_factory=dict)
    experiment_id: str = ""
    predictions_asked: int = 0
    predictions_logged: int = 0
    predictions_in_experiment: int = 0
    assignments: dict[str, int] = field(default_factory=dict)
    outcomes_sent: int = 0
    looks: int = 0
    decision: str = ""
    last_look: JsonObject = field(default_factory=dict)
    last_prediction_id: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


class Journey:
    """One run of a scenario in a workspace of its own."""

    def __init__(self, stack: Stack, scenario: Scenario) -> None:
        """Nothing is called before `run`."""
        self.stack = stack
        self.scenario = scenario
        self._evidence = Evidence(stack)
        self._expected_rows: dict[str, int] = {}
        self.report = Report()

    def run(self) -> Report:
        """Do all of it and return what was found."""
        steps: list[Callable[[], None]] = [
            self.set_up,
            self.stream_history,
            self.import_files,
            self.check_profiles,
            self.build_model,
            self.run_experiment,
            self.await_log,
        ]
        for step in steps:
            started = time.monotonic()
            step()
            self.report.seconds[step.__name__] = time.monotonic() - started
        return self.report

    def set_up(self) -> None:
        """Create a workspace with its owner, the datasets and an API key in the standard usage plan."""
        report, name = self.report, f"{self.scenario.name}-{datetime.now(UTC):%Y%m%d%H%M%S}"
        operator = JsonClient(self.stack.backend_url, {"Authorization": f"Bearer {self.stack.operator_token}"})
        owner = {"email": f"{name}@example.com", "name": "Demo owner"}
        workspace = operator.post("/api/v1/workspaces", {"name": name, "owner": owner})
        report.workspace_id, report.token = str(workspace["workspace_id"]), str(workspace["token"])
        self.backend = JsonClient(self.stack.backend_url, {"Authorization": f"Bearer {report.token}"})
        for plan in self.scenario.datasets:
            columns = [{"name": column, "type": type_} for column, type_ in plan.columns.items()]
            dataset = self.backend.post("/api/v1/datasets", {"name": plan.name, "entity": plan.entity, "columns": columns})
            report.dataset_ids[plan.name] = str(dataset["dataset_id"])
        key = self.backend.post("/api/v1/api-keys", {"name": "demo", "plan": "standard"})
        report.api_key_id, report.api_key = str(key["api_key_id"]), str(key["key"])
        self.public = JsonClient(self.stack.gateway_url, {"x-api-key": report.api_key})
        say(f"workspace {report.workspace_id}, datasets {', '.join(report.dataset_ids)}, API key {report.api_key_id} in plan standard")

    def stream_history(self) -> None:
        """Send every dataset's history through the gateway, 500 records a call."""
        for plan in self.scenario.datasets:
            if plan.history:
                self._stream(plan)

    def _stream(self, plan: DatasetPlan) -> None:
        with bar(f"streaming {plan.name}", len(plan.history)) as moved:
            done = 0
            for records in split(cast("list[JsonObject]", plan.history), RECORDS_PER_CALL):
                self.send_records(plan.name, records)
                done += len(records)
                moved(done, "records")
        self.report.rows_streamed += len(plan.history)

    def send_records(self, dataset: str, records: object) -> None:
        """Send up to 500 records; raise `ApiError` unless all are accepted."""
        answer = self.public.post(f"/v1/datasets/{dataset}/records", {"records": records})
        results = cast("list[JsonObject]", answer["results"])
        refused = [result for result in results if result["status"] != "accepted"]
        if refused:
            raise ApiError(f"{dataset}: {len(refused)} of {len(results)} records were not accepted, first: {refused[0]}")
        self._expected_rows[dataset] = self._expected_rows.get(dataset, 0) + len(results)

    def import_files(self) -> None:
        """Upload files and import each by a background job."""
        for plan in self.scenario.files:
            self._import(plan)

    def _import(self, plan: FilePlan) -> None:
        path = f"/api/v1/datasets/{self.report.dataset_ids[plan.dataset]}"
        upload = self.backend.post(f"{path}/uploads", {"file_name": plan.file_name})
        put_file(str(upload["url"]), plan.content)
        job = self.backend.post(
            f"{path}/imports",
            {
                "key": upload["key"],
                "format": "csv",
                "entity_column": plan.entity_column,
                "event_timestamp_column": plan.event_timestamp_column,
                "known_timestamp_column": plan.known_timestamp_column,
            },
        )
        self.wait_for_job(str(job["job_id"]), f"importing {plan.file_name}")
        self._expected_rows[plan.dataset] = self._expected_rows.get(plan.dataset, 0) + plan.rows
        self.report.rows_imported += plan.rows

    def wait_for_job(self, job_id: str, what: str) -> JsonObject:
        """Show the job's progress until it ends; raise `ApiError` unless it succeeded."""
        with bar(what, 1.0) as moved:
            while (job := self.backend.get(f"/api/v1/jobs/{job_id}"))["state"] not in JOB_END_STATES:
                moved(float(cast("float", job["progress"])), str(job["message"]))
                wait_a_moment()
            moved(float(cast("float", job["progress"])), str(job["state"]))
        if job["state"] != "succeeded":
            raise ApiError(f"{what}: job {job_id} {job['state']}: {job['message']}")
        return job

    def check_profiles(self) -> None:
        """Wait until all rows have landed, then read each dataset's sample and statistics from S3."""
        for name in self._expected_rows:
            version = self._wait_for_rows(name)
            sample_rows, summary = self._evidence.read_profile(self.report.workspace_id, self.report.dataset_ids[name], version)
            self.report.samples[name], self.report.summaries[name] = sample_rows, summary
            say(f"dataset {name}: version {version}, {self._expected_rows[name]:,} rows, sample of {sample_rows:,} and statistics in S3")

    def _wait_for_rows(self, name: str) -> int:
        """Return the newest version once it holds all rows that were sent and has its profile."""
        newest: JsonObject = {}

        def landed() -> bool:
            nonlocal newest
            newest = cast("JsonObject", self.backend.get(f"/api/v1/datasets/{self.report.dataset_ids[name]}").get("newest_version") or {})
            return newest.get("rows") == self._expected_rows[name] and bool(newest.get("profiled"))

        wait_until(landed, f"dataset {name} has {newest} instead of {self._expected_rows[name]} profiled rows")
        return int(cast("int", newest["version"]))

    def build_model(self) -> None:
        """Create the model and build its first version: training set on Spark, training, snapshot, alias."""
        model = self.backend.post("/api/v1/models", self.scenario.model)
        self.report.model_id = str(model["model_id"])
        path = f"/api/v1/models/{self.report.model_id}"
        job = self.backend.post(f"{path}/builds", {"cutoff": rfc3339(self.scenario.cutoff)})
        self.wait_for_job(str(job["job_id"]), "building the model")
        versions = cast("list[JsonObject]", self.backend.get(f"{path}/versions")["items"])
        self.report.training_set_id = str(versions[0]["training_set_id"])
        self.report.metrics = cast("JsonObject", versions[0]["metrics"])
        say(f"model {model['name']} version {versions[0]['version']}, training set {self.report.training_set_id}")

    def run_experiment(self) -> None:
        """Replay the time after the cut-off: ask, report what happened, look, until the experiment has concluded or time ends."""
        self.start_experiment()
        previous = self.scenario.cutoff
        with bar("replaying customers", len(self.scenario.visits)) as moved:
            for moment in self.scenario.looks:
                self.ask_predictions(previous, moment)
                moved(self.report.predictions_asked, f"until {moment:%Y-%m-%d}")
                self.send_outcomes(previous, moment)
                if self.report.decision in {"", "running"}:
                    self._look(moment)
                previous = moment

    def await_log(self) -> None:
        """Return once the prediction log holds all that was asked."""
        wait_until(self._predictions_arrived, "fewer predictions in the log than were asked")

    def start_experiment(self) -> None:
        """Create the experiment and start it."""
        experiment = self.backend.post("/api/v1/experiments", self.scenario.experiment)
        self.report.experiment_id = str(experiment["experiment_id"])
        self.backend.post(f"/api/v1/experiments/{self.report.experiment_id}/start")

    def ask_predictions(self, since: datetime, until: datetime) -> None:
        """Ask for the visits of [since, until)."""
        entries: list[JsonObject] = [
            {"id": visit.unit, "timestamp": rfc3339(visit.at)} for visit in self.scenario.visits if since <= visit.at < until
        ]
        for chunk in split(entries, PREDICTIONS_PER_CALL):
            self.note_predictions(self.predict(chunk))

    def predict(self, entries: Sequence[JsonObject], **options: object) -> list[JsonObject]:
        """Return the answers to up to 100 entries; raise `ApiError` unless all are answered."""
        answer = self.public.post("/v1/predict", {"model": self.scenario.model["name"], "features": entries, **options})
        results = cast("list[JsonObject]", answer["results"])
        failed = [result for result in results if "error" in result]
        if failed:
            raise ApiError(f"{len(failed)} of {len(results)} predictions failed, first: {failed[0]}")
        return results

    def note_predictions(self, results: Sequence[JsonObject]) -> None:
        """Count answers, which the log and the warehouse must have in the end."""
        self.report.predictions_asked += len(results)
        self.report.predictions_in_experiment += sum(result.get("experiment_id") is not None for result in results)
        self.report.last_prediction_id = str(results[-1]["prediction_id"])

    def send_outcomes(self, since: datetime, until: datetime) -> None:
        """Report what happened in [since, until)."""
        records = [dict(outcome.record) for outcome in self.scenario.outcomes if since <= outcome.at < until]
        for chunk in split(records, RECORDS_PER_CALL):
            self.send_records(self.scenario.outcome_dataset, chunk)
        self.report.outcomes_sent += len(records)

    def _look(self, moment: datetime) -> None:
        """Analyse as of `moment`, once everything sent until then has reached the lake and the warehouse."""
        if self.scenario.outcome_dataset in self._expected_rows:
            self._wait_for_rows(self.scenario.outcome_dataset)
        wait_until(self._assignments_arrived, "fewer assignments in the warehouse than predictions asked")
        path = f"/api/v1/experiments/{self.report.experiment_id}"
        job = self.backend.post(f"{path}/analyses", {"as_of": rfc3339(moment)})
        self.wait_for_job(str(job["job_id"]), f"look as of {moment:%Y-%m-%d}")
        experiment = self.backend.get(path)
        looks = cast("list[JsonObject]", experiment["looks"])
        self.report.looks, self.report.decision, self.report.last_look = len(looks), str(experiment["state"]), looks[-1]

    def _predictions_arrived(self) -> bool:
        self.report.predictions_logged = self._evidence.count_predictions(self.report.workspace_id)
        return self.report.predictions_logged == self.report.predictions_asked

    def _assignments_arrived(self) -> bool:
        self.report.assignments = self._evidence.count_assignments(self.report.workspace_id)
        return sum(self.report.assignments.values()) == self.report.predictions_in_experiment
