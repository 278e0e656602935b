"""The Spark session of a step."""

from __future__ import annotations

from pyspark.sql import SparkSession


def build_session(name: str) -> SparkSession:
    """Return a session that thinks in UTC. Master, memory and parallelism are the runner's to choose, not the step's."""
    return (
        SparkSession.builder.appName(name)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.ansi.enabled", "false")
        .getOrCreate()
    )
