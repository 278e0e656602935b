"""The scenarios cut their data honestly: nothing after the cut-off is in the history, and outcomes are what happened."""

from datetime import datetime, timedelta

import pytest

from demo import cdnow
from demo.scenario import Scenario


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return cdnow.build_scenario("CDNOW_sample.txt")


def test_history_was_known_by_the_cutoff(scenario: Scenario) -> None:
    history = [record for plan in scenario.datasets for record in plan.history]

    assert len(history) == 5727
    assert all(datetime.fromisoformat(str(record["known_timestamp"])) <= scenario.cutoff for record in history)


def test_each_customer_is_asked_about_once_after_the_cutoff(scenario: Scenario) -> None:
    assert len({visit.unit for visit in scenario.visits}) == len(scenario.visits) == 386
    assert all(visit.at >= scenario.cutoff for visit in scenario.visits)
    assert [visit.at for visit in scenario.visits] == sorted(visit.at for visit in scenario.visits)


def test_every_visit_has_the_outcome_that_the_purchases_show(scenario: Scenario) -> None:
    purchases = cdnow.read_purchases("CDNOW_sample.txt")
    outcomes = {outcome.record["entity_id"]: outcome for outcome in scenario.outcomes}

    for visit in scenario.visits:
        window_end = visit.at + timedelta(days=90)
        again = any(purchase.customer == visit.unit and visit.at < purchase.at <= window_end for purchase in purchases)
        assert outcomes[visit.unit].record["values"] == {"bought_again": "1" if again else "0"}


def test_every_window_is_closed_at_the_last_look(scenario: Scenario) -> None:
    assert scenario.looks[-1] >= max(visit.at for visit in scenario.visits) + timedelta(days=90)
