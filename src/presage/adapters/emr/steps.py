"""Where the programs of the steps are, and how they are called; the same wherever Spark runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from presage.errors import NotFoundError

LAKE_SCHEME = "lake://"
PY_FILES = "py_files"
ARCHIVES = "archives"


@dataclass(frozen=True, slots=True)
class StepPrograms:
    """`uris` maps a step's name to the S3 URI of its `step.py`; `lake://` means the lake bucket.

    `py_files` are their library, `archives` what else workers unpack (`<URI>#<folder>`), where Spark's Python lacks it.
    """

    uris: Mapping[str, str]
    lake_bucket: str

    @property
    def options(self) -> list[str]:
        """What spark-submit is told for every step."""
        archives = self.uris.get(ARCHIVES)
        return ["--py-files", self.uris[PY_FILES], *(["--conf", f"spark.archives={archives}"] if archives else [])]

    def build_command(self, step: str, arguments: Mapping[str, str]) -> tuple[str, list[str]]:
        """Return the step's program, and its arguments as words.

        Raises:
            NotFoundError: There is no such step.
        """
        if step not in self.uris:
            raise NotFoundError(f"no step {step!r}, expected one of {sorted(self.uris)}")
        lake = f"s3://{self.lake_bucket}/"
        return self.uris[step], [word for name, value in arguments.items() for word in (f"--{name}", value.replace(LAKE_SCHEME, lake))]
