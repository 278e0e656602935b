"""Where the programs of the steps are, and how they are called; the same wherever Spark runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from presage.errors import NotFoundError

LAKE_SCHEME = "lake://"
PY_FILES = "py_files"
PACKAGES = "environment"
"""What the archive of a step's own packages is called where it is unpacked."""
INTERPRETER = "/usr/bin/python3.11"
"""Of EMR 7 on Amazon Linux 2023, beside its default of 3.9; for steps with packages of their own (docs/adr/0039)."""
_INTERPRETER_SETTINGS = (
    "spark.pyspark.python",
    "spark.executorEnv.PYSPARK_PYTHON",
    "spark.emr-serverless.driverEnv.PYSPARK_PYTHON",
    "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON",
)


@dataclass(frozen=True, slots=True)
class StepPrograms:
    """`uris` maps a step's name to the S3 URI of its `step.py`, and `py_files` to their library; `lake://` means the lake bucket.

    `<step>.environment` is an archive of packages that the step needs beside them.
    """

    uris: Mapping[str, str]
    lake_bucket: str

    def build_options(self, step: str) -> list[str]:
        """Return what spark-submit is told of the step: the library that all need, and its own packages and their interpreter."""
        options = ["--py-files", self.uris[PY_FILES]]
        packages = self.uris.get(f"{step}.{PACKAGES}")
        if packages is None:
            return options
        interpreter = [word for name in _INTERPRETER_SETTINGS for word in ("--conf", f"{name}={INTERPRETER}")]
        return [*options, "--archives", f"{packages}#{PACKAGES}", *interpreter]

    def build_command(self, step: str, arguments: Mapping[str, str]) -> tuple[str, list[str]]:
        """Return the step's program, and its arguments as words.

        Raises:
            NotFoundError: There is no such step.
        """
        if step not in self.uris:
            raise NotFoundError(f"no step {step!r}, expected one of {sorted(self.uris)}")
        lake = f"s3://{self.lake_bucket}/"
        return self.uris[step], [word for name, value in arguments.items() for word in (f"--{name}", value.replace(LAKE_SCHEME, lake))]
