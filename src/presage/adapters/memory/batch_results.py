"""The results of batch predictions in a dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from presage.batch_predictions.order import build_prefix
from presage.errors import NotFoundError


class MemoryBatchResults:
    """`BatchResults` for tests: put manifests and rows by key, then ask."""

    def __init__(self) -> None:
        self.manifests: dict[str, bytes] = {}
        self.rows: dict[str, Sequence[Mapping[str, object]]] = {}

    def find_manifest(self, workspace_id: str, job_id: str) -> bytes | None:
        """Return the manifest's bytes, or None while the job has not ended well."""
        return self.manifests.get(f"{build_prefix(workspace_id, job_id)}manifest.json")

    def create_download_url(self, workspace_id: str, job_id: str, key: str) -> str:
        """Return a URL that names the file."""
        return f"memory://{build_prefix(workspace_id, job_id)}{key}"

    def find_row(self, workspace_id: str, job_id: str, key: str, prediction_id: str) -> Mapping[str, object] | None:
        """Return the prediction of that id from a file of the results, or None if the file has it not."""
        place = build_prefix(workspace_id, job_id) + key
        if place not in self.rows:
            raise NotFoundError(f"There is no file {place}")
        return next((row for row in self.rows[place] if row["prediction_id"] == prediction_id), None)
