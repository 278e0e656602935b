"""A day of the log against what a version was trained on."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import numpy as np
import pytest

from presage.adapters.memory.prediction_log import MemoryPredictionLog
from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.adapters.memory.version_report_store import MemoryVersionReportStore
from presage.drift.model import DriftReport
from presage.drift.use_cases import DriftPorts, check_drift
from presage.errors import CorruptArtifactError, InvalidInputError
from presage.progress import ignore_progress
from presage.training.model import ModelVersion
from presage.training.reference import FORMAT, PREDICTION, Reference, build_column_reference
from tests.fixtures.logged import entry

BUILT = datetime(2026, 2, 27, 9, tzinfo=UTC)
DAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
VERSION = ModelVersion("ws_1", "mdl_1", 3, "f" * 64, "ws=ws_1/models/mdl_1/3/model.json", "s", {}, BUILT)
SPENT, SCORE = np.arange(4_000) % 100 / 1.0, np.arange(4_000) % 50 / 50


def build_reference() -> Reference:
    columns = (build_column_reference("orders__spent", SPENT), build_column_reference(PREDICTION, SCORE))
    return Reference(FORMAT, VERSION.training_set_id, columns)


@dataclass
class Place:
    log: MemoryPredictionLog = field(default_factory=MemoryPredictionLog)
    files: MemoryTrainingFiles = field(default_factory=MemoryTrainingFiles)
    reports: MemoryVersionReportStore = field(default_factory=MemoryVersionReportStore)

    def __post_init__(self) -> None:
        self.keep(build_reference())

    def keep(self, reference: Reference) -> None:
        self.files.put_artifact("ws=ws_1/models/mdl_1/3/reference.json", msgspec.json.encode(reference))

    def play(self, values: Iterable[float | None], **changes: object) -> None:
        """Log a prediction for each value, of an entity of its own."""
        for number, value in enumerate(values):
            result = {"prediction": "1", "answered_by": "model", "score": number % 50 / 50}
            fields = {"entity_id": f"c{number}", "features": {"orders__spent": value}, "result": result, **changes}
            self.log.put_predictions([entry(len(self.log.entries), **fields)])

    def check(self, day: date = DAY, now: datetime = NOW, version: ModelVersion = VERSION) -> DriftReport:
        ports = DriftPorts(self.log, self.files, self.reports)
        return check_drift(version, day, now=now, ports=ports, progress=ignore_progress)


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_day_like_the_training_set_is_no_drift(place: Place) -> None:
    place.play(SPENT[:2_000].tolist())
    report = place.check()

    assert (report.predictions, report.entities, report.complete, report.drifted) == (2_000, 2_000, True, ())
    assert max(column.distance for column in report.columns) == 0.0


def test_a_column_that_moved_is_told_and_the_others_are_not(place: Place) -> None:
    place.play((SPENT[:2_000] + 60.0).tolist())
    report = place.check()

    assert report.drifted == ("orders__spent",)
    (spent, score) = report.columns
    assert (spent.distance, score.distance) == pytest.approx((0.6, 0.0))
    assert spent.counts[-2] == 1_420


def test_values_that_stay_away_are_a_drift_to_null(place: Place) -> None:
    place.play([None] * 2_000)
    (spent, _) = place.check().columns

    assert (spent.state, spent.counts[-1], spent.distance) == ("drifted", 2_000, 1.0)


def test_only_an_entitys_first_answer_of_this_versions_model_counts(place: Place) -> None:
    place.play([5.0])
    place.play([95.0] * 3, entity_id="c0")
    place.play([95.0], model_version=2)
    place.play([95.0], entity_id=None)
    place.play([95.0], result={"prediction": "0", "answered_by": "baseline"})
    place.play([95.0], created_at=datetime(2026, 3, 2, tzinfo=UTC), entity_id="c9")
    report = place.check()

    assert (report.predictions, report.entities) == (7, 1)
    assert sum(report.columns[0].counts) == 1
    assert report.columns[0].counts[0] == 1


def test_an_answer_that_used_no_such_feature_says_nothing_of_it(place: Place) -> None:
    place.play([5.0] * 3, features={})

    assert sum(place.check().columns[0].counts) == 0


def test_what_was_found_is_kept_once_for_a_day_that_is_over(place: Place) -> None:
    place.play([5.0])
    first = place.check()
    place.check(now=NOW + timedelta(hours=1))

    kept = place.reports.find_report("ws_1", ("mdl_1", 3), "2026-03-01")
    assert kept is not None
    assert msgspec.json.decode(kept, type=DriftReport) == first
    assert list(place.reports.list_reports("ws_1", ("mdl_1", 3))) == ["2026-03-01"]


def test_a_day_that_goes_on_is_compared_as_far_as_it_goes(place: Place) -> None:
    place.play([5.0])
    report = place.check(now=datetime(2026, 3, 1, 18, 0, 5, tzinfo=UTC))

    assert report.report_id == "2026-03-01T180005Z"
    assert list(place.reports.list_reports("ws_1", ("mdl_1", 3))) == [report.report_id]


def test_later_days_use_less_of_the_chance_of_a_false_alarm(place: Place) -> None:
    assert place.check().alpha == pytest.approx(0.05 * 6 / np.pi**2 / 9)
    assert place.check(day=BUILT.date()).alpha == pytest.approx(0.05 * 6 / np.pi**2)


@pytest.mark.parametrize(("day", "reason"), [(date(2026, 2, 26), "was built after"), (date(2026, 3, 3), "is to come")])
def test_a_day_without_the_version_is_refused(place: Place, day: date, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason) as refused:
        place.check(day=day)
    assert refused.value.path == "$.day"


def test_a_version_without_a_reference_says_what_to_do(place: Place) -> None:
    place.files.artifacts.clear()
    with pytest.raises(InvalidInputError, match="build a new version"):
        place.check()


def test_the_reference_of_another_training_set_is_not_used(place: Place) -> None:
    place.keep(replace(build_reference(), training_set_id="0" * 64))
    with pytest.raises(CorruptArtifactError, match="of another training set"):
        place.check()
    place.files.put_artifact("ws=ws_1/models/mdl_1/3/reference.json", b"{}")
    with pytest.raises(CorruptArtifactError, match="cannot be read"):
        place.check()
