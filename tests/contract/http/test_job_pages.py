"""A job's page: what changes by itself, and what can be done with a job in each state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from presage.jobs.model import JobState
from tests.fixtures.furnished import Furnished
from tests.fixtures.metadata_rows import make_job
from tests.fixtures.pages.request import PageRequest, read


def put(place: Furnished, state: JobState) -> str:
    made = make_job(place.workspace_id)
    job = replace(made, state=state, finished_at=None if state in {"queued", "running"} else made.created_at)
    place.ports.jobs.store.create_job(job)
    return f"/jobs/{job.job_id}"


@pytest.mark.parametrize(
    ("state", "follows", "acts"),
    [
        ("queued", True, {"Cancel the job"}),
        ("running", True, {"Cancel the job"}),
        ("failed", False, {"Try again"}),
        ("cancelled", False, {"Try again"}),
        ("succeeded", False, set()),
    ],
)
def test_a_job_follows_itself_until_it_has_ended(state: JobState, follows: bool, acts: set[str]) -> None:  # noqa: FBT001 - a parameter
    place = Furnished()
    path, owner = put(place, state), place.tokens["owner"]

    page = read(place.client, path, owner)
    part = PageRequest("GET", f"{path}/progress").send(place.client, owner)

    assert ("hx-trigger" in page) is follows
    assert part.headers.get("hx-refresh") == (None if follows else "true")
    assert {act for act in ("Cancel the job", "Try again") if f">{act}</button>" in page} == acts


def test_who_may_not_stop_or_repeat_a_job_is_not_offered_it() -> None:
    place = Furnished()
    running, failed = put(place, "running"), put(place, "failed")

    pages = read(place.client, running, place.tokens["viewer"]) + read(place.client, failed, place.tokens["viewer"])

    assert "Cancel the job" not in pages
    assert "Try again" not in pages
