"""Running a job: claimed once, ended once, told once, whatever happens in between."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

import pytest

from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.memory.notification_store import MemoryNotificationStore
from presage.errors import CorruptArtifactError, InvalidInputError, NotFoundError, PresageError, UnavailableError, WorkerStoppingError
from presage.jobs.execution import MAX_ATTEMPTS, Execution, Handler, JobResult, Outcome, run_job
from presage.jobs.model import Job
from presage.jobs.use_cases import SYSTEM
from presage.progress import Progress
from tests.fixtures.metadata_rows import NOW, make_job


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Workplace:
    """A worker with one handler, and its job."""

    handler: Handler
    job: Job = field(default_factory=lambda: make_job("ws_1"))
    clock: Clock = field(default_factory=Clock)
    store: MemoryJobStore = field(default_factory=MemoryJobStore)
    notifications: MemoryNotificationStore = field(default_factory=MemoryNotificationStore)
    stopping: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.store.create_job(self.job)

    def run(self, handler: Handler | None = None) -> Outcome:
        handlers = {"analyse_experiment": handler or self.handler}
        execution = Execution(self.store, self.notifications, handlers, self.clock, self.stopping)  # type: ignore[arg-type]
        return run_job("ws_1", self.job.job_id, execution=execution)

    def read(self) -> Job:
        return self.store.get_job("ws_1", self.job.job_id)

    def told(self) -> list[tuple[str, str]]:
        return [(told.subject, told.body) for told in self.notifications.list_notifications("ws_1")]


def succeed(job: Job, progress: Progress) -> JobResult:
    progress(0.5, "half", {"done": ["a"], "was": dict(job.checkpoint)})
    return JobResult("3 rows", {"rows": 3})


def raising(error: PresageError) -> Handler:
    def handler(job: Job, progress: Progress) -> JobResult:
        progress(0.5, f"half of {job.kind}", {"done": ["a"]})
        raise error

    return handler


def test_a_job_is_done_once_and_told_once_however_often_its_message_comes() -> None:
    runs: list[str] = []

    def count(job: Job, progress: Progress) -> JobResult:
        runs.append(job.job_id)
        return succeed(job, progress)

    place = Workplace(count)

    assert [place.run(), place.run(), place.run()] == ["done"] * 3

    ended = place.read()
    assert runs == [place.job.job_id]
    assert (ended.state, ended.progress, ended.message, ended.result["rows"], ended.attempts) == ("succeeded", 1.0, "3 rows", 3, 1)
    assert place.told() == [("Analyse experiment succeeded", "3 rows")]


def test_a_message_of_a_job_that_another_worker_has_comes_back_later() -> None:
    place = Workplace(succeed)
    place.store.claim_job("ws_1", place.job.job_id, owner="other", now=NOW, lease_seconds=20)

    assert place.run() == "busy"

    assert place.read().lease_owner == "other"
    assert place.told() == []


def test_after_a_crash_the_next_attempt_starts_from_the_checkpoint() -> None:
    place = Workplace(succeed)

    def crash(_: Job, progress: Progress) -> JobResult:
        progress(0.4, "partly", {"done": ["first"]})
        raise SystemExit

    with pytest.raises(SystemExit):
        place.run(crash)
    assert place.run() == "busy"
    place.clock.pass_seconds(21)

    assert place.run() == "done"
    assert place.read().checkpoint == {"done": ["a"], "was": {"done": ["first"]}}
    assert place.read().attempts == 2


@pytest.mark.parametrize("error", [InvalidInputError("no column x", path="$.x"), NotFoundError("gone"), CorruptArtifactError("bad")])
def test_what_no_retry_can_mend_fails_the_job_and_tells_its_user(error: PresageError) -> None:
    place = Workplace(raising(error))

    assert place.run() == "done"

    ended = place.read()
    assert (ended.state, ended.message, ended.result["code"]) == ("failed", str(error), error.code)
    assert place.told() == [("Analyse experiment failed", str(error))]


def test_a_long_reason_is_cut_to_what_its_row_holds() -> None:
    place = Workplace(raising(InvalidInputError("x" * 100_000)))

    assert place.run() == "done"
    assert place.read().message == "x" * 1999 + "…"


def test_an_outage_is_retried_at_once_by_whoever_comes_and_given_up_after_enough_attempts() -> None:
    place = Workplace(raising(UnavailableError("S3 is down")))

    outcomes = [place.run() for _ in range(MAX_ATTEMPTS)]

    assert outcomes == ["retry"] * (MAX_ATTEMPTS - 1) + ["done"]
    assert place.read().state == "failed"
    assert "S3 is down" in place.read().message
    assert len(place.told()) == 1


def test_what_nobody_foresaw_is_retried_and_ends_with_advice_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def break_down(_: Job, progress: Progress) -> JobResult:
        progress(0.5, "half", {"done": ["a"]})
        raise KeyError("secret detail")

    place = Workplace(break_down)

    outcomes = [place.run() for _ in range(MAX_ATTEMPTS)]

    assert outcomes == ["retry"] * (MAX_ATTEMPTS - 1) + ["done"]
    ended = place.read()
    assert (ended.state, ended.result["code"], ended.checkpoint) == ("failed", "internal", {"done": ["a"]})
    assert place.told() == [("Analyse experiment failed", ended.message)]
    assert "unexpected" in ended.message
    assert "Start it again later" in ended.message
    assert ended.job_id in ended.message
    assert "secret detail" not in ended.message
    assert "secret detail" in caplog.text


def test_a_job_that_kills_every_worker_is_given_up() -> None:
    place = Workplace(succeed)
    for _ in range(MAX_ATTEMPTS):
        place.store.claim_job("ws_1", place.job.job_id, owner="dead", now=place.clock.now, lease_seconds=20)
        place.clock.pass_seconds(21)

    assert place.run() == "done"
    assert place.read().state == "failed"
    assert place.read().job_id in place.read().message


def test_a_cancelled_job_stops_at_its_next_safe_point() -> None:
    def cancelled_meanwhile(job: Job, progress: Progress) -> JobResult:
        place.store.request_cancel("ws_1", job.job_id, now=NOW)
        progress(0.5, "half", {})
        raise AssertionError("the safe point let it go on")

    place = Workplace(cancelled_meanwhile)

    assert place.run() == "done"
    assert place.read().state == "cancelled"
    assert place.told() == [("Analyse experiment cancelled", "Cancelled")]


def test_a_stopping_worker_gives_the_job_back_at_its_next_safe_point() -> None:
    def stopped_meanwhile(_: Job, progress: Progress) -> JobResult:
        place.stopping.set()
        with pytest.raises(WorkerStoppingError):
            progress(0.5, "half", {"done": ["a"]})
        raise WorkerStoppingError("stopping")

    place = Workplace(stopped_meanwhile)

    assert place.run() == "retry"
    assert place.run() == "busy"
    place.stopping.clear()
    assert place.run(succeed) == "done"
    assert place.read().checkpoint["was"] == {"done": ["a"]}


@pytest.mark.parametrize("reports", [False, True])
def test_a_worker_that_lost_its_lease_changes_nothing_any_more(*, reports: bool) -> None:
    def slow(job: Job, progress: Progress) -> JobResult:
        place.clock.pass_seconds(60)
        place.store.claim_job("ws_1", job.job_id, owner="other", now=place.clock.now, lease_seconds=20)
        if reports:
            progress(0.9, "late")
            raise AssertionError("the safe point let it go on")
        return JobResult("late")

    place = Workplace(slow)

    assert place.run() == "retry"
    assert (place.read().state, place.read().lease_owner) == ("running", "other")
    assert place.told() == []


def test_a_crash_between_the_end_and_the_notification_is_made_good() -> None:
    place = Workplace(succeed)
    claimed = place.store.claim_job("ws_1", place.job.job_id, owner="dead", now=NOW, lease_seconds=20)
    assert claimed is not None
    place.store.finish_job(claimed, state="succeeded", message="3 rows", result={}, now=NOW)

    assert place.run() == "done"
    assert place.told() == [("Analyse experiment succeeded", "3 rows")]


@pytest.mark.parametrize(("noteworthy", "notifications"), [(False, 0), (True, 1)])
def test_the_systems_own_jobs_are_told_only_if_noteworthy(*, noteworthy: bool, notifications: int) -> None:
    job = make_job("ws_1")
    own = Job(**{name: getattr(job, name) for name in Job.__slots__} | {"created_by": SYSTEM})
    place = Workplace(lambda *_: JobResult("concluded", noteworthy=noteworthy), job=own)

    assert place.run() == "done"
    assert len(place.told()) == notifications


def test_a_quarantined_job_is_over_and_told() -> None:
    place = Workplace(lambda *_: JobResult("the file is in quarantine", state="quarantined"))

    assert [place.run(), place.run()] == ["done"] * 2

    assert (place.read().state, place.read().progress, place.read().attempts) == ("quarantined", 0.0, 1)
    assert place.told() == [("Analyse experiment quarantined", "the file is in quarantine")]


def test_a_job_that_does_not_exist_is_not_found() -> None:
    place = Workplace(succeed)
    execution = Execution(place.store, place.notifications, {}, place.clock, place.stopping)

    with pytest.raises(NotFoundError):
        run_job("ws_2", place.job.job_id, execution=execution)
