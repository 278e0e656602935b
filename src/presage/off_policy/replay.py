"""Makes a logged prediction again: with the version and the values that answered it, and with the versions to judge.

Snapshots never change and stay in the lake, also those that a version had before its newest one. So what a prediction used is there
whole: the values of all its candidates, of which the log keeps the shown ones'. A replay that does not give what was logged, to the
bit, is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from sys import intern

import msgspec

from presage.errors import CorruptArtifactError, NotFoundError
from presage.off_policy.chances import Chances, build_chances
from presage.off_policy.model import Exclusion
from presage.predictions.entry_values import EntryError
from presage.predictions.exploration import Exploration, explore
from presage.predictions.loading import ScorerCache
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.request import Query, parse_entry
from presage.predictions.response import AnsweredBy
from presage.predictions.scorer import Scorer
from presage.training.derived import number_categories
from presage.training.model import AliasMove, Model, ModelVersion
from presage.training.ports import SnapshotHistory, VersionRegistry
from presage.training.spec import item_columns, view_columns

MOST_TRIED = 3
"""Versions that may have served when chance answered: caches and fallbacks make it another than the newest."""
MOST_SNAPSHOTS = 2
"""Of a version that may have answered: its newest one then, and the one before, which a process may have had a little longer."""
MOST_LISTED = 400
"""More than a year of daily ones; the log is kept for 90 days."""
MOST_SCORERS = 32
"""Judged versions on logged ones' snapshots that are kept at once; the log is read day by day, so few are needed at a time."""


class _Result(msgspec.Struct):
    """What of a logged result matters here."""

    prediction: str | tuple[str, ...]
    answered_by: AnsweredBy
    propensity: float | tuple[float, ...] | None = None


class _Request(msgspec.Struct):
    features: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A logged list that is evidence. `targets` are the chances of the versions to judge, in their order."""

    unit_id: str
    at: datetime
    shown: tuple[str, ...]
    propensities: tuple[float, ...]
    targets: tuple[Chances, ...]
    logged_by: int


@dataclass(frozen=True, slots=True)
class Excluded:
    """A logged prediction that is none."""

    reason: Exclusion
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A version to judge, and what it leaves to chance."""

    scorer: Scorer
    exploration: Exploration | None = None


@dataclass(frozen=True, slots=True)
class _Logged:
    """The version that answered, and the chances by which it did."""

    scorer: Scorer
    chances: Chances


class Replayer:
    """Replays the predictions of one model. `closed_before`: outcomes of predictions for a later time are not complete."""

    def __init__(
        self,
        model: Model,
        judged: Sequence[Judged],
        *,
        closed_before: datetime,
        stores: tuple[VersionRegistry, SnapshotHistory],
        scorers: ScorerCache,
    ) -> None:
        self._model = model
        self._judged = judged
        self._cutoff = max(one.scorer.snapshot.as_of for one in judged)
        self._closed_before = closed_before
        self._versions, self._snapshots = stores
        self._scorers = scorers
        self._moves = self._versions.list_alias_moves(model.workspace_id, model.model_id, "production")
        self._columns = frozenset(view_columns(model.spec))
        self._categories = number_categories(model.spec)
        self._item_columns = frozenset(item_columns(model.spec))
        self._known: dict[int, list[tuple[datetime | None, ModelVersion]]] = {}
        self._on: dict[tuple[int, int, str], Scorer] = {}

    def replay(self, entry: PredictionLogEntry) -> Replayed | Excluded:
        """Return the prediction as evidence, or why it is none.

        Raises:
            UnavailableError: The lake or the metadata did not answer.
        """
        result = msgspec.convert(entry.result, _Result)
        reason = self._find_reason(entry, result)
        if reason is not None:
            return Excluded(reason)
        try:
            query = self._read_query(entry)
        except EntryError:
            return Excluded("not_reproduced")
        logged = self._find_logged(entry, result, query)
        return logged if isinstance(logged, Excluded) else self._judge(entry, result, query, logged)

    def _find_reason(self, entry: PredictionLogEntry, result: _Result) -> Exclusion | None:
        """Return what keeps the prediction from being evidence before any version is asked."""
        checks: tuple[tuple[Exclusion, bool], ...] = (
            ("fallback", result.answered_by in {"baseline", "default"}),
            ("no_propensity", not isinstance(result.propensity, tuple) or isinstance(result.prediction, str)),
            ("no_entity", entry.entity_id is None),
            ("nothing_shown", not result.prediction),
            ("window_open", entry.predicted_for > self._closed_before),
            ("before_cutoff", entry.predicted_for < self._cutoff),
        )
        return next((reason for reason, holds in checks if holds), None)

    def _read_query(self, entry: PredictionLogEntry) -> Query:
        (asked,) = msgspec.convert(entry.request, _Request).features
        query = parse_entry(
            asked, path="$", columns=self._columns, item_columns=self._item_columns, now=entry.created_at, categories=self._categories
        )
        return msgspec.structs.replace(query, predicted_for=entry.predicted_for, seed=entry.prediction_id)

    def _list_versions(self, entry: PredictionLogEntry, answered_by: AnsweredBy) -> Iterator[int]:
        """Yield the version that answered or, of what chance answered, those that may have given the values, likeliest first."""
        if entry.model_version is not None or answered_by != "random":
            yield from () if entry.model_version is None else (entry.model_version,)
            return
        before: list[AliasMove] = [move for move in self._moves if move.moved_at <= entry.created_at]
        yield from list(dict.fromkeys(move.version for move in before))[:MOST_TRIED]

    def _find_logged(self, entry: PredictionLogEntry, result: _Result, query: Query) -> Excluded | _Logged:
        found: Excluded | _Logged = Excluded("version_gone")
        for version in self._list_versions(entry, result.answered_by):
            found = self._reproduce(entry, result, query, version)
            if isinstance(found, _Logged):
                return found
        return found

    def _reproduce(self, entry: PredictionLogEntry, result: _Result, query: Query, version: int) -> Excluded | _Logged:
        """Return the version that answered and its chances, if it gives what was logged from a snapshot that it had then."""
        found: Excluded | _Logged = Excluded("version_gone")
        for state in self._list_states(version, entry.created_at):
            try:
                scorer = self._scorers.get_scorer(state)
            except CorruptArtifactError:
                continue
            found = self._reproduce_by(scorer, entry, result, query)
            if isinstance(found, _Logged):
                return found
        return found

    def _reproduce_by(self, scorer: Scorer, entry: PredictionLogEntry, result: _Result, query: Query) -> Excluded | _Logged:
        if scorer.snapshot.as_of > entry.predicted_for:
            return Excluded("values_from_later")
        try:
            chances, expected = self._answer_again(scorer, query, result.answered_by)
            features = scorer.look_up(query, tuple(result.prediction))
        except CorruptArtifactError:
            return Excluded("not_reproduced")
        propensities = tuple(chances.compute_probability(item, place) for place, item in enumerate(result.prediction))
        is_same = features == entry.features and propensities == result.propensity and (expected is None or expected == result.prediction)
        return _Logged(scorer, chances) if is_same else Excluded("not_reproduced")

    def _list_states(self, version: int, moment: datetime) -> list[ModelVersion]:
        """Return the version with each snapshot that it may have answered from at that moment, likeliest first."""
        if version not in self._known:
            self._known[version] = self._read_states(version)
        return [state for since, state in self._known[version] if since is None or since <= moment][:MOST_SNAPSHOTS]

    def _read_states(self, version: int) -> list[tuple[datetime | None, ModelVersion]]:
        """Return the version with each of its snapshots and since when it had it, newest first."""
        place = (self._model.workspace_id, self._model.model_id, version)
        try:
            built = self._versions.get_version(*place)
        except NotFoundError:
            return []
        later = self._snapshots.list_snapshots(*place, limit=MOST_LISTED)
        return [*((found.created_at, replace(built, snapshot_key=found.snapshot_key)) for found in later), (None, built)]

    def _answer_again(self, scorer: Scorer, query: Query, answered_by: AnsweredBy) -> tuple[Chances, tuple[str, ...] | None]:
        """Return the chances of what may be shown and, where the model was asked, the list that its seed draws."""
        if answered_by == "random":
            allowed = scorer.filter_items(query.candidates or scorer.snapshot.candidates, query)
            return build_chances(allowed, length=self._model.spec.list_length, exploration=Exploration(1.0)), None
        ranked, length = scorer.order(query), scorer.artifact.spec.list_length
        exploration = query.exploration or Exploration(0.0)
        draw = explore(exploration, ranked, length=length, seed=query.seed)
        return build_chances(ranked, length=length, exploration=exploration), tuple(ranked[place] for place in draw.places)

    def _judge(self, entry: PredictionLogEntry, result: _Result, query: Query, logged: _Logged) -> Replayed | Excluded:
        targets = []
        for judged in self._judged:
            found = self._rank(judged, query, logged.scorer)
            if isinstance(found, Excluded):
                return found
            if not logged.chances.covers(found):
                return Excluded("not_covered")
            targets.append(found)
        shown = tuple(intern(item) for item in result.prediction)
        propensities = result.propensity if isinstance(result.propensity, tuple) else ()
        unit_id, version = intern(entry.entity_id or ""), logged.scorer.artifact.version
        return Replayed(unit_id, entry.predicted_for, shown, propensities, tuple(targets), version)

    def _rank(self, judged: Judged, query: Query, logged: Scorer) -> Chances | Excluded:
        """Return the judged version's chances, from the values that the logged one used."""
        lacking = list_lacking(judged.scorer, logged)
        if lacking:
            return Excluded("lacks_features", lacking)
        key = (judged.scorer.artifact.version, logged.artifact.version, logged.snapshot.manifest.file_sha256)
        try:
            if key not in self._on:
                if len(self._on) >= MOST_SCORERS:
                    self._on.clear()
                self._on[key] = judged.scorer.read_from(logged.snapshot)
            ranked = self._on[key].order(query)
        except CorruptArtifactError:
            return Excluded("not_scorable")
        return build_chances(ranked, length=judged.scorer.artifact.spec.list_length, exploration=judged.exploration)


def list_lacking(judged: Scorer, logged: Scorer) -> tuple[str, ...]:
    """Return the columns that the judged version needs and the logged one's snapshot does not have, or has by another recipe."""
    views = logged.artifact.spec.feature_views
    return tuple(
        f"{view.name}__{feature.name}" for view in judged.artifact.spec.feature_views if view not in views for feature in view.features
    )
