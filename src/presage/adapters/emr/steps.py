"""Where the programs of the steps are, and how they are called; the same wherever Spark runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from presage.errors import NotFoundError

LAKE_SCHEME = "lake://"
PY_FILES = "py_files"


@dataclass(frozen=True, slots=True)
class StepPrograms:
    """`uris` maps a step's name to the S3 URI of its `step.py`, and `py_files` to their library; `lake://` means the lake bucket."""

    uris: Mapping[str, str]
    lake_bucket: str

    @property
    def py_files(self) -> str:
        """The library that every step needs."""
        return self.uris[PY_FILES]

    def build_command(self, step: str, arguments: Mapping[str, str]) -> tuple[str, list[str]]:
        """Return the step's program, and its arguments as words.

        Raises:
            NotFoundError: There is no such step.
        """
        if step not in self.uris:
            raise NotFoundError(f"no step {step!r}, expected one of {sorted(self.uris)}")
        lake = f"s3://{self.lake_bucket}/"
        return self.uris[step], [word for name, value in arguments.items() for word in (f"--{name}", value.replace(LAKE_SCHEME, lake))]
