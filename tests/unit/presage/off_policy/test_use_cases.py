"""From a served model's log and records to an estimate that is kept."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from presage.errors import InvalidInputError, JobCancelledError
from presage.off_policy import use_cases
from presage.off_policy.model import Question, Undecided, Value
from presage.off_policy.questions import require_question
from presage.off_policy.replay import Judged, Replayed, Replayer
from presage.off_policy.rewards import read_rewards
from presage.off_policy.use_cases import estimate_off_policy
from presage.predictions.exploration import Exploration
from presage.predictions.response import PredictionResult
from tests.fixtures.judged import EXPLORED, HOUR, JUDGED_LIST, LATER, METRIC, Judging
from tests.fixtures.serving import CLASSIFICATION, NOW, WORKSPACE, build_world

PLACE = ("mdl_films", 2)
CHANCE = {"f1": 0.5, "f2": 0.2, "f3": 0.1, "f4": 0.7}
UNITS = [f"u{number}" for number in range(600)]


@pytest.fixture
def judging(tmp_path: Path) -> Judging:
    return Judging(build_world(tmp_path))


def watch(film: str, place: int) -> float:
    return CHANCE[film] / (1 + place)


def play(judging: Judging, units: list[str] = UNITS) -> list[PredictionResult]:
    """Show each unit an explored list and let it take what it likes."""
    results = judging.predict_all([{"id": unit, **EXPLORED} for unit in units])
    judging.react(units, results, watch, seed=1)
    return results


def test_an_estimate_is_what_hand_computation_gives_and_covers_the_truth(judging: Judging) -> None:
    """Of the answers themselves, some units with several lists: mean over units of the mean over lists of weight x reward."""
    units = UNITS + UNITS[:100] + UNITS[:50]
    results = play(judging, units)
    found = judging.ask()

    taken = {(record.entity_id, record.values["film"]) for record in judging.records}
    by_unit: dict[str, list[tuple[float, float, float]]] = {}
    for unit, result in zip(units, results, strict=True):
        assert isinstance(result.propensity, tuple)
        assert isinstance(result.prediction, tuple)
        earned = [float((unit, film) in taken) for film in result.prediction]
        weights = [
            (JUDGED_LIST[place] == film) / p for place, (film, p) in enumerate(zip(result.prediction, result.propensity, strict=True))
        ]
        weighted = sum(weight * reward for weight, reward in zip(weights, earned, strict=True))
        by_unit.setdefault(unit, []).append((weighted, sum(weights) / 3, sum(earned)))
    means = np.array([np.mean(rows, axis=0) for rows in by_unit.values()])
    assert (found.evidence.read, found.evidence.used, found.evidence.units) == (750, 750, 600)
    assert isinstance(found.judged.ips, Value)
    assert isinstance(found.judged.snips, Value)
    assert isinstance(found.logging, Value)
    assert found.judged.ips.value == pytest.approx(means[:, 0].mean())
    assert found.judged.ips.standard_error == pytest.approx(means[:, 0].std(ddof=1) / np.sqrt(600))
    assert found.judged.snips.value == pytest.approx(means[:, 0].mean() / means[:, 1].mean())
    assert found.logging.value == pytest.approx(means[:, 2].mean())
    assert found.judged.ips.effective_units == pytest.approx(means[:, 1].sum() ** 2 / (means[:, 1] ** 2).sum())


def test_what_a_ranker_without_traffic_would_earn_is_known_beforehand(judging: Judging) -> None:
    play(judging)
    found = judging.ask(Question(2, METRIC, days=3, baseline_version=1))
    truth = sum(watch(film, place) for place, film in enumerate(JUDGED_LIST))
    baseline = sum(watch(film, place) for place, film in enumerate(("f2", "f3", "f1")))
    assert found.baseline is not None
    for value, expected in (
        (found.judged.ips, truth),
        (found.judged.snips, truth),
        (found.judged.doubly_robust, truth),
        (found.baseline.doubly_robust, baseline),
        (found.difference.difference, truth - baseline),
    ):
        assert isinstance(value, Value)
        assert value.lower < expected < value.upper
    assert isinstance(found.difference.difference, Value)
    assert found.difference.difference.lower > 0.0


def test_an_estimate_is_kept_once(judging: Judging) -> None:
    play(judging)
    found = judging.ask()
    kept = judging.estimates.find_report(WORKSPACE, PLACE, "job_1")
    assert kept == msgspec.json.encode(found)
    judging.ask(now=LATER + HOUR)
    assert judging.estimates.find_report(WORKSPACE, PLACE, "job_1") == kept


def test_only_records_in_a_lists_window_are_its_outcome(judging: Judging) -> None:
    (result,) = judging.predict({"id": "u1", **EXPLORED})
    assert isinstance(result.prediction, tuple)
    before, at_the_end, after = NOW, NOW + 24 * HOUR, NOW + 24 * HOUR + timedelta(microseconds=1)
    for film, at in zip(result.prediction, (before, at_the_end, after), strict=True):
        judging.take("u1", film, at)
    judging.take("u2", result.prediction[0], NOW + HOUR)
    judging.ask()
    replayed = replay_only(judging)
    ports = judging.ports()
    rewards = read_rewards(WORKSPACE, METRIC, [replayed], datasets=ports.datasets, feature_sets=ports.feature_sets)
    assert rewards == [(0.0, 1.0, 0.0)]


def replay_only(judging: Judging) -> Replayed:
    ports = judging.ports()
    scorer = ports.scorers.get_scorer(judging.versions.get_version(WORKSPACE, "mdl_films", 2))
    replayer = Replayer(
        judging.model, [Judged(scorer)], closed_before=LATER, stores=(ports.versions, ports.snapshots), scorers=ports.scorers
    )
    (entry,) = ports.log.list_by_model_day(WORKSPACE, "mdl_films", "2026-03-01").entries
    replayed = replayer.replay(entry)
    assert isinstance(replayed, Replayed)
    return replayed


def test_without_evidence_nothing_is_concluded(judging: Judging) -> None:
    found = judging.ask()
    assert (found.evidence.read, found.judged.ips) == (0, Undecided("no prediction could be used"))


def test_what_was_predicted_since_the_question_was_asked_is_not_read(judging: Judging) -> None:
    judging.predict({"id": "u1", **EXPLORED})
    judging.predict({"id": "u1", **EXPLORED}, at=NOW + HOUR)
    assert judging.ask(now=NOW + HOUR / 2).evidence.read == 1


def test_a_log_that_is_too_long_is_refused_before_it_is_read(judging: Judging, monkeypatch: pytest.MonkeyPatch) -> None:
    play(judging, UNITS[:3])
    monkeypatch.setattr(use_cases, "MOST_PREDICTIONS", 2)
    with pytest.raises(InvalidInputError, match="more than 2 predictions since 2026-03-01: ask for fewer days"):
        judging.ask()


def test_a_job_can_be_cancelled_while_it_reads(judging: Judging) -> None:
    play(judging, UNITS[:200])
    judging.world.ship()
    said: list[tuple[float, str]] = []

    def cancel(fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:
        assert checkpoint is None
        said.append((fraction, message))
        raise JobCancelledError("stop")

    with pytest.raises(JobCancelledError):
        estimate_off_policy(
            Question(2, METRIC, days=3), model=judging.model, estimate_id="job_1", now=LATER, ports=judging.ports(), progress=cancel
        )
    assert said == [(0.4, "100 of 200 predictions replayed")]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda asked: replace(asked, metric=replace(METRIC, kind="conversion", item_column=None)), "$.metric.kind"),
        (lambda asked: replace(asked, metric=replace(METRIC, dataset="nothing")), "$.metric.dataset"),
        (lambda asked: replace(asked, days=32), "$.days"),
        (lambda asked: replace(asked, days=0), "$.days"),
        (lambda asked: replace(asked, alpha=0.6), "$.alpha"),
        (lambda asked: replace(asked, exploration=Exploration(0.1)), "$.exploration.among"),
        (lambda asked: replace(asked, exploration=Exploration(0.1, 101)), "$.exploration.among"),
        (lambda asked: replace(asked, baseline_version=2), "$.baseline_version"),
        (lambda asked: replace(asked, baseline_version=9), "$.baseline_version"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(judging: Judging, change: Callable[[Question], Question], path: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        require(judging, change(Question(2, METRIC)))
    assert raised.value.path == path


def test_only_rankings_are_judged_by_their_lists(judging: Judging) -> None:
    judging.model = replace(judging.model, spec=CLASSIFICATION)
    with pytest.raises(InvalidInputError, match="'films' is a classification"):
        require(judging, Question(2, METRIC))


def require(judging: Judging, question: Question) -> None:
    require_question(
        question,
        model=judging.model,
        versions=judging.versions,
        find_dataset=lambda name: judging.datasets.find_dataset_by_name(WORKSPACE, name),
    )
