"""Which logged predictions are evidence of another version, and which are not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from presage.errors import InvalidInputError
from presage.off_policy.model import Question
from presage.predictions.exploration import Exploration
from presage.training.artifact import SnapshotManifest
from presage.training.spec import Feature, FeatureView
from tests.fixtures.judged import EXPLORED, HOUR, JUDGED_WEIGHTS, LATER, LOGGING_WEIGHTS, METRIC, Judging
from tests.fixtures.serving import FILMS_VIEW, NOW, ORDERS_VIEW, RANKING, build_world

EXPLORED_ENTRY = {"id": "c1", **EXPLORED}


@pytest.fixture
def judging(tmp_path: Path) -> Judging:
    return Judging(build_world(tmp_path))


def tamper(judging: Judging, **changes: object) -> None:
    """Change the logged result of every prediction."""
    judging.world.ship()
    entries = [msgspec.structs.replace(entry, result={**entry.result, **changes}) for entry in judging.world.log.entries.values()]
    judging.world.log.put_predictions(entries)


def test_an_explored_list_is_evidence(judging: Judging) -> None:
    judging.predict(EXPLORED_ENTRY, {"id": "c2", "exclude": ["f3"], "films__mean": 2.0, **EXPLORED})
    evidence = judging.ask().evidence
    assert (evidence.read, evidence.used, evidence.units, dict(evidence.excluded)) == (2, 2, 2, {})
    assert dict(evidence.logged_by) == {"1": 2}
    assert (evidence.first_day, evidence.last_day) == ("2026-03-01", "2026-03-03")


def test_a_random_control_is_evidence_by_the_version_that_served(judging: Judging) -> None:
    judging.world.experiment(judging.model, policy="random", treatment_share=0.0)
    judging.predict({"id": "c1", "candidates": ["f1", "f2", "f4"]}, {"id": "c2", "filters": {"films__taken": {"min": 10}}})
    judging.serve(judging.add(3, JUDGED_WEIGHTS))  # what serves now is not what served then
    evidence = judging.ask().evidence
    assert (evidence.used, dict(evidence.excluded)) == (2, {})


def test_a_list_is_made_again_from_the_snapshot_that_its_version_had_then(judging: Judging) -> None:
    judging.predict(EXPLORED_ENTRY, at=NOW)
    renewed = judging.renew(1, {("films", "f4"): (99.0, 5.0)}, at=NOW + HOUR)
    judging.predict({"id": "c2", **EXPLORED}, at=NOW + 2 * HOUR)
    judging.serve(judging.world.catalog.versions[0])  # a process that has not seen the new one yet
    judging.predict({"id": "c3", **EXPLORED}, at=NOW + 2 * HOUR)
    assert renewed.snapshot_key != judging.versions.get_version("ws_1", "mdl_films", 1).snapshot_key
    evidence = judging.ask().evidence
    assert (evidence.used, dict(evidence.excluded)) == (3, {})


def only(entry: Mapping[str, object], **asked: Any) -> Callable[[Judging], None]:  # noqa: ANN401 - arguments of predict
    def happen(judging: Judging) -> None:
        judging.predict(entry, **asked)

    return happen


def answer_without_a_model(judging: Judging) -> None:
    judging.world.deploy(judging.model, None)
    judging.predict(EXPLORED_ENTRY)


def forge_propensities(judging: Judging) -> None:
    judging.predict(EXPLORED_ENTRY)
    tamper(judging, propensity=(0.25, 0.25, 0.25))


def forge_the_list(judging: Judging) -> None:
    (result,) = judging.predict(EXPLORED_ENTRY)
    tamper(judging, prediction=tuple(reversed(result.prediction)), propensity=tuple(reversed(result.propensity)))  # type: ignore[arg-type]


def answer_from_other_values(judging: Judging) -> None:
    judging.predict(EXPLORED_ENTRY)
    judging.world.ship()
    entries = [
        msgspec.structs.replace(entry, features={**entry.features, "entity": {"orders__n": 99.0}})
        for entry in judging.world.log.entries.values()
    ]
    judging.world.log.put_predictions(entries)


@pytest.mark.parametrize(
    ("happen", "reason"),
    [
        (only({"id": "c1"}), "no_propensity"),
        (only({"candidates": ["f1", "f2"], **EXPLORED}), "no_entity"),
        (only({"id": "c1", "candidates": ["f1"], "exclude": ["f1"], **EXPLORED}), "nothing_shown"),
        (only(EXPLORED_ENTRY, at=LATER - 23 * HOUR), "window_open"),
        (only({"timestamp": "2026-02-01T00:00:00Z", **EXPLORED_ENTRY}), "before_cutoff"),
        (only({"id": "c1", "exploration": {"epsilon": 0.5, "among": 2}}), "not_covered"),
        (answer_without_a_model, "fallback"),
        (forge_propensities, "not_reproduced"),
        (forge_the_list, "not_reproduced"),
        (answer_from_other_values, "not_reproduced"),
    ],
)
def test_what_is_no_evidence_is_counted_by_its_reason(judging: Judging, happen: Callable[[Judging], None], reason: str) -> None:
    happen(judging)
    evidence = judging.ask().evidence
    assert (evidence.read, evidence.used, dict(evidence.excluded)) == (1, 0, {reason: 1})


def date_snapshot(judging: Judging, version: int, days: int) -> None:
    """Let the version's snapshot be of `days` from now."""
    (key,) = [key for key in judging.world.files.lake if key.endswith(f"snap_{version}/snapshot.json")]
    manifest = msgspec.json.decode(judging.world.files.lake[key], type=SnapshotManifest)
    judging.world.files.lake[key] = msgspec.json.encode(replace(manifest, as_of=NOW + timedelta(days=days)))


def test_a_version_that_knew_what_came_of_it_is_not_judged_by_a_prediction(judging: Judging) -> None:
    judging.predict(EXPLORED_ENTRY)
    date_snapshot(judging, 2, days=1)
    assert dict(judging.ask().evidence.excluded) == {"before_cutoff": 1}


def test_values_of_a_later_time_are_none_to_judge_by(judging: Judging) -> None:
    judging.add(3, JUDGED_WEIGHTS)
    date_snapshot(judging, 3, days=1)
    judging.predict(EXPLORED_ENTRY, version=3)
    assert dict(judging.ask().evidence.excluded) == {"values_from_later": 1}


def test_a_version_that_is_gone_leaves_no_evidence(judging: Judging) -> None:
    gone = judging.world.add_version(judging.model, 3, weights=JUDGED_WEIGHTS)  # not in the registry
    judging.predict(EXPLORED_ENTRY, version=gone.version)
    assert dict(judging.ask().evidence.excluded) == {"version_gone": 1}


def test_features_that_were_not_used_are_named(judging: Judging) -> None:
    recent = FeatureView("films", "ratings", (Feature("taken", "count", window_days=7), Feature("mean", "mean", "rating")), "item", "film")
    judging.add(3, LOGGING_WEIGHTS, spec=replace(RANKING, feature_views=(ORDERS_VIEW, recent)))
    judging.predict(EXPLORED_ENTRY)
    with pytest.raises(InvalidInputError, match="films__mean, films__taken, which a judged version needs") as raised:
        judging.ask(Question(3, METRIC))
    assert raised.value.path == "$.version"


def test_a_version_with_fewer_features_is_judged(judging: Judging) -> None:
    assert RANKING.feature_views == (ORDERS_VIEW, FILMS_VIEW)
    spec = replace(RANKING, feature_views=(FILMS_VIEW,))
    judging.add(3, (1.0, 0.0), spec=spec, columns=("films__taken", "films__mean"))
    judging.predict(EXPLORED_ENTRY, {"id": "c2", "orders__n": 3, **EXPLORED})
    evidence = judging.ask(Question(3, METRIC)).evidence
    assert (evidence.used, dict(evidence.excluded)) == (1, {"not_scorable": 1})


def test_what_a_judged_version_explores_must_be_covered_too(judging: Judging) -> None:
    judging.predict({"id": "c1", "exploration": {"epsilon": 0.5, "among": 3}})
    assert dict(judging.ask(Question(1, METRIC, exploration=Exploration(0.1, 3), baseline_version=None)).evidence.excluded) == {}
    assert dict(judging.ask(Question(1, METRIC, exploration=Exploration(0.1, 4))).evidence.excluded) == {"not_covered": 1}
