"""The peers of `make bench-profile`: `python -m benchmarks.peers.profilers <engine> <column> <part>…`, run in the peer's environment.

Writes the seconds of the profile, without imports, and what it found of the column: nulls, mean, median, as far as the engine tells.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.peak import read_peak_mib

Found = dict[str, float]


def describe_by_polars(paths: Sequence[str], column: str) -> Callable[[], Found]:
    """`DataFrame.describe`, quantiles included, of a frame read from the parts."""
    import polars as pl  # noqa: PLC0415 - each engine is in an environment of its own

    def profile() -> Found:
        table = pl.read_parquet(list(paths)).describe()
        told = dict(zip(table["statistic"], table[column], strict=True))
        return {"nulls": float(told["null_count"]), "mean": float(told["mean"]), "median": float(told["50%"])}

    return profile


def stream_by_polars(paths: Sequence[str], column: str) -> Callable[[], Found]:
    """Counts, nulls, ranges, means and deviations by the streaming engine; no quantiles."""
    import polars as pl  # noqa: PLC0415
    import polars.selectors as cs  # noqa: PLC0415

    def profile() -> Found:
        told = (
            pl.scan_parquet(list(paths))
            .select(
                pl.all().null_count().name.suffix(" nulls"),
                pl.all().min().name.suffix(" min"),
                pl.all().max().name.suffix(" max"),
                cs.numeric().mean().name.suffix(" mean"),
                cs.numeric().std().name.suffix(" std"),
            )
            .collect(engine="streaming")
        )
        return {"nulls": float(told[f"{column} nulls"][0]), "mean": float(told[f"{column} mean"][0])}

    return profile


def summarize_by_duckdb(paths: Sequence[str], column: str) -> Callable[[], Found]:
    """`SUMMARIZE`: approximate quantiles and distinct counts."""
    import duckdb  # noqa: PLC0415

    def profile() -> Found:
        files = ", ".join(f"'{path}'" for path in paths)
        rows = duckdb.sql(f"SUMMARIZE SELECT * FROM read_parquet([{files}])").fetchall()  # noqa: S608 - our own paths
        told = next(row for row in rows if row[0] == column)
        return {"mean": float(told[5]), "median": float(told[8])}

    return profile


def profile_by_ydata(paths: Sequence[str], column: str) -> Callable[[], Found]:
    """ydata-profiling in its minimal mode, without the report's rendering: statistics only."""
    import pandas as pd  # noqa: PLC0415
    from ydata_profiling import ProfileReport  # noqa: PLC0415

    def profile() -> Found:
        frame = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
        told = ProfileReport(frame, minimal=True, progress_bar=False).get_description().variables[column]
        return {"nulls": float(told["n_missing"]), "mean": float(told["mean"]), "median": float(told["50%"])}

    return profile


def profile_by_whylogs(paths: Sequence[str], column: str) -> Callable[[], Found]:
    """Return what whylogs profiles by default."""
    import pandas as pd  # noqa: PLC0415
    import whylogs  # noqa: PLC0415

    def profile() -> Found:
        frame = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
        told: Any = whylogs.log(frame).view().to_pandas().loc[column]
        return {"nulls": float(told["counts/null"]), "mean": float(told["distribution/mean"])}

    return profile


def profile_by_dataprofiler(paths: Sequence[str], column: str) -> Callable[[], Found]:
    """DataProfiler without its labelling model, on all rows."""
    import dataprofiler  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    def profile() -> Found:
        frame = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
        options = dataprofiler.ProfilerOptions()
        options.set({"data_labeler.is_enabled": False})
        told = dataprofiler.Profiler(frame, options=options, samples_per_update=len(frame), min_true_samples=len(frame)).report()
        statistics = next(one["statistics"] for one in told["data_stats"] if one["column_name"] == column)
        return {"mean": float(statistics["mean"]), "median": float(statistics["quantiles"][1])}

    return profile


ENGINES: dict[str, Callable[[Sequence[str], str], Callable[[], Found]]] = {
    "polars describe": describe_by_polars,
    "polars streaming": stream_by_polars,
    "duckdb summarize": summarize_by_duckdb,
    "ydata-profiling": profile_by_ydata,
    "whylogs": profile_by_whylogs,
    "dataprofiler": profile_by_dataprofiler,
}


def main() -> None:
    """Profile once."""
    engine, column, *paths = sys.argv[1:]
    profile = ENGINES[engine](paths, column)
    began = time.perf_counter()
    found = profile()
    seconds = time.perf_counter() - began
    sys.stdout.write("\n" + json.dumps({"seconds": seconds, "peak_mib": read_peak_mib(), "found": found}) + "\n")


if __name__ == "__main__":
    main()
