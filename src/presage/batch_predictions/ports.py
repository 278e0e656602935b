"""What reading batch predictions back needs from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class BatchResults(Protocol):
    """The results of batch predictions (S3). `key` is relative to the job's folder."""

    def find_manifest(self, workspace_id: str, job_id: str) -> bytes | None:
        """Return the manifest's bytes, or None while the job has not ended well."""

    def create_download_url(self, workspace_id: str, job_id: str, key: str) -> str:
        """Return a URL that gives a file of the results to who has it, for an hour. Nothing is called."""

    def find_row(self, workspace_id: str, job_id: str, key: str, prediction_id: str) -> Mapping[str, object] | None:
        """Return the prediction of that id from a file of the results, or None if the file has it not."""
