"""What a page asks of the stores does not grow with the rows that are in them."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from presage.tenancy.tokens import hash_token
from services.backend.context import EXTENSION, BackendPorts
from tests.contract.http.test_pages import list_all
from tests.fixtures.furnished import Furnished
from tests.fixtures.metadata_rows import (
    NOW,
    make_api_key,
    make_dataset,
    make_experiment,
    make_job,
    make_model,
    make_notification,
    make_user,
)
from tests.fixtures.pages.request import PageRequest

ROWS = 60
"""More than a page has."""
PLACES = {name: request for name, request in list_all(Furnished()).items() if request.method == "GET"}


class Counted:
    """A port, or a group of ports, whose calls are noted."""

    def __init__(self, held: Any, calls: list[str], name: str) -> None:  # noqa: ANN401 - any port
        self._held, self._calls, self._name = held, calls, name

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        found = getattr(self._held, name)
        if callable(found):
            return self._count(found, f"{self._name}.{name}")
        is_group = type(found).__module__.startswith(("presage.adapters.memory", "presage", "services"))
        return Counted(found, self._calls, f"{self._name}.{name}") if is_group and name != "shape" else found

    def _count(self, call: Any, name: str) -> Any:  # noqa: ANN401 - a method
        def counted(*arguments: object, **named: object) -> object:
            self._calls.append(name)
            return call(*arguments, **named)

        return counted


def count_calls(place: Furnished, request: PageRequest) -> list[str]:
    calls: list[str] = []
    application = place.client.application
    application.extensions[EXTENSION] = BackendPorts(
        **{each.name: Counted(getattr(place.ports, each.name), calls, each.name) for each in fields(place.ports)}  # type: ignore[arg-type]
    )
    answer = request.send(place.client, place.tokens["owner"])
    assert answer.status_code == 200, answer.text
    return sorted(calls)


def fill(place: Furnished) -> None:
    """Give the workspace more of everything than a page shows."""
    workspace_id, ports = place.workspace_id, place.ports
    owner = ports.workspaces.find_user_by_token(hash_token(place.tokens["owner"]))
    assert owner is not None
    for number in range(ROWS):
        ports.datasets.create_dataset(make_dataset(workspace_id, f"many-{number}"))
        ports.models.create_model(make_model(workspace_id, f"many-{number}"))
        ports.experiments.create_experiment(replace(make_experiment(workspace_id, f"many-{number}"), state="concluded_ship"))
        for state in ("failed", "quarantined", "running", "succeeded"):
            made = replace(make_job(workspace_id, number), state=state, created_at=NOW + timedelta(seconds=number))
            ports.jobs.store.create_job(made)
        ports.notifications.put_notification(make_notification(workspace_id, number))
        ports.api_keys.create_api_key(make_api_key(workspace_id, number))
        ports.workspaces.create_user(make_user(workspace_id, f"many{number}@example.com", "viewer"))


@pytest.mark.parametrize("endpoint", sorted(PLACES))
def test_a_page_asks_the_stores_as_often_with_many_rows_as_with_few(endpoint: str) -> None:
    place = Furnished()
    fill(place)
    many = count_calls(place, list_all(place)[endpoint])
    few = Furnished()

    assert many == count_calls(few, list_all(few)[endpoint])


def test_a_call_for_each_row_is_noticed() -> None:
    calls: list[str] = []
    ports = Counted(Furnished().ports, calls, "ports")

    for number in range(3):
        ports.datasets.find_dataset_by_name("ws", f"many-{number}")

    assert calls == ["ports.datasets.find_dataset_by_name"] * 3
