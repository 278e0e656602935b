"""What the warehouse held at an earlier time, by when its rows were loaded, and their fingerprints."""

from __future__ import annotations

from datetime import datetime

import msgspec

from presage.adapters.redshift.data_api import DataApi
from presage.adapters.redshift.ledger_statements import (
    CLOCK,
    EXPOSURES,
    HASHED,
    build_fingerprint,
    restrict_to_loaded,
)
from presage.adapters.redshift.statistics import build_full_statistics
from presage.adapters.redshift.warehouse import format_time, name_count, name_experiment, read_exposures, read_statistics, read_time
from presage.experiments.fingerprint import Fingerprint
from presage.experiments.model import Experiment, Metric, MetricStatistics
from presage.experiments.ports import ExposureCounts

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
        """Return (rows, units, units met by both variants, first exposure) up to `as_of` of what was loaded until then."""
        parameters = {**name_experiment(experiment), "as_of": format_time(as_of), "loaded_until": _format_bound(loaded_until, LAST)}
        return read_exposures(self._data_api.query(restrict_to_loaded(EXPOSURES), parameters))

    def recompute_statistics(
        self, experiment: Experiment, metric: Metric, *, as_of: datetime, loaded_until: datetime | None, allocation_version: int = 1
    ) -> MetricStatistics:
        """Return the metric's statistics from all assignments and outcomes that were loaded until then."""
        query = restrict_to_loaded(build_full_statistics(metric))
        names = name_count(experiment, metric, allocation_version)
        asked = {name: value for name, value in names.items() if f":{name}" in query}
        times = {"as_of": format_time(as_of), "loaded_until": _format_bound(loaded_until, LAST)}
        return read_statistics(experiment, metric, self._data_api.query(query, {**asked, **times}), names)

    def read_fingerprints(self, experiment: Experiment, *, after: datetime | None, until: datetime | None) -> tuple[Fingerprint, ...]:
        """Return one for each table, of the experiment's rows that were loaded in (after, until]."""
        bounds = {"loaded_after": _format_bound(after, FIRST), "loaded_until": _format_bound(until, LAST)}
        found = []
        for table in HASHED:
            rows = self._data_api.query(build_fingerprint(table), {**name_experiment(experiment), **bounds})
            ((count, first, second),) = msgspec.convert(rows, list[tuple[int, str, str]])
            found.append(Fingerprint(table, count, first, second))
        return tuple(found)


def _format_bound(moment: datetime | None, otherwise: str) -> str:
    return otherwise if moment is None else format_time(moment)
