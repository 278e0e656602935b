"""What the warehouse held at an earlier time, by when its rows were loaded, and their fingerprints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from presage.adapters.redshift.data_api import DataApi, Value
from presage.adapters.redshift.ledger_statements import (
    CLOCK,
    EXPOSURES,
    HASHED,
    build_fingerprint,
    restrict_to_loaded,
)
from presage.adapters.redshift.segments import build_full_segment_statistics, build_segment_statistics
from presage.adapters.redshift.statistics import build_full_statistics
from presage.adapters.redshift.warehouse import (
    format_time,
    name_count,
    name_experiment,
    read_exposures,
    read_statistics,
    read_time,
    read_variants,
    write_query,
)
from presage.experiments.fingerprint import Fingerprint
from presage.experiments.model import Experiment, Metric, MetricStatistics, UnitSegment
from presage.experiments.ports import ExposureCounts
from presage.experiments.segments import GroupKind, SegmentGroup, SegmentStatistics, build_segment_source, order_groups

FIRST = "0001-01-01 00:00:00"
LAST = "9999-12-31 00:00:00"


class RedshiftLedger:
    """`WarehouseLedger` on the Redshift Data API. It only reads."""

    def __init__(self, data_api: DataApi) -> None:
        self._data_api = data_api

    def get_clock(self) -> datetime:
        """Return the warehouse's time when it was asked, once what was being loaded then can be read; later loads have later times."""
        ((now,),) = self._data_api.query(CLOCK)
        return read_time(now)

    def count_exposures(self, experiment: Experiment, *, as_of: datetime, loaded_until: datetime | None) -> ExposureCounts:
        """Return (rows, units, units that met a second variant, first exposure) up to `as_of` of what was loaded until then."""
        parameters = {**name_experiment(experiment), "as_of": format_time(as_of), "loaded_until": _format_bound(loaded_until, LAST)}
        return read_exposures(self._data_api.query(restrict_to_loaded(EXPOSURES), parameters))

    def recompute_statistics(
        self, experiment: Experiment, metric: Metric, *, as_of: datetime, loaded_until: datetime | None, allocation_version: int = 1
    ) -> MetricStatistics:
        """Return the metric's statistics from all assignments and outcomes that were loaded until then."""
        names = name_count(experiment, metric, allocation_version)
        rows = self._query(build_full_statistics(metric), names, as_of=as_of, loaded_until=loaded_until)
        return read_statistics(experiment, metric, rows, names)

    def count_segment(
        self, experiment: Experiment, segment: UnitSegment, *, as_of: datetime, loaded_until: datetime | None, allocation_version: int = 1
    ) -> SegmentStatistics:
        """Return the primary metric's statistics in each group: what units did as of the last `update_units`."""
        metric, names = experiment.plan.primary, _name_segment(experiment, segment, allocation_version)
        rows = self._query(build_segment_statistics(metric, segment), names, as_of=as_of, loaded_until=loaded_until)
        return _read_segment(experiment, segment, rows, names)

    def recompute_segment(
        self, experiment: Experiment, segment: UnitSegment, *, as_of: datetime, loaded_until: datetime | None, allocation_version: int = 1
    ) -> SegmentStatistics:
        """Return the same from all assignments and outcomes that were loaded until then."""
        metric, names = experiment.plan.primary, _name_segment(experiment, segment, allocation_version)
        rows = self._query(build_full_segment_statistics(metric, segment), names, as_of=as_of, loaded_until=loaded_until)
        return _read_segment(experiment, segment, rows, names)

    def read_fingerprints(self, experiment: Experiment, *, after: datetime | None, until: datetime | None) -> tuple[Fingerprint, ...]:
        """Return one for each table, of the experiment's rows that were loaded in (after, until]."""
        bounds = {"loaded_after": _format_bound(after, FIRST), "loaded_until": _format_bound(until, LAST)}
        found = []
        for table in HASHED:
            rows = self._data_api.query(build_fingerprint(table), {**name_experiment(experiment), **bounds})
            ((count, first, second),) = msgspec.convert(rows, list[tuple[int, str, str]])
            found.append(Fingerprint(table, count, first, second))
        return tuple(found)

    def _query(
        self, query: str, names: Mapping[str, str], *, as_of: datetime, loaded_until: datetime | None
    ) -> Sequence[tuple[Value, ...]]:
        """Return the rows of a query over what was loaded until then."""
        restricted = restrict_to_loaded(query)
        asked = {name: value for name, value in names.items() if f":{name}" in restricted}
        times = {"as_of": format_time(as_of), "loaded_until": _format_bound(loaded_until, LAST)}
        return self._data_api.query(restricted, {**asked, **times})


def _name_segment(experiment: Experiment, segment: UnitSegment, allocation_version: int) -> dict[str, str]:
    return {**name_count(experiment, experiment.plan.primary, allocation_version), "segment": build_segment_source(segment).key}


def _read_segment(
    experiment: Experiment, segment: UnitSegment, rows: Sequence[tuple[Value, ...]], names: Mapping[str, str]
) -> SegmentStatistics:
    metric = experiment.plan.primary
    by_group: dict[tuple[Value, Value], list[tuple[Value, ...]]] = {}
    for kind, item, *row in rows:
        by_group.setdefault((kind, item), []).append(tuple(row))
    groups = []
    for key, of_group in by_group.items():
        kind, item = msgspec.convert(key, tuple[GroupKind, str])
        groups.append(SegmentGroup(kind, item if kind == "value" else None, *read_variants(experiment, metric, of_group)))
    return SegmentStatistics(order_groups(groups), write_query(build_full_segment_statistics(metric, segment), names))


def _format_bound(moment: datetime | None, otherwise: str) -> str:
    return otherwise if moment is None else format_time(moment)
