"""Uploads as a dictionary."""

from __future__ import annotations


class MemoryUploadStore:
    """`UploadStore` for tests; put what was "uploaded" into `objects`."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def create_upload_url(self, key: str) -> str:
        """Return a URL that nothing listens at."""
        return f"https://uploads.invalid/{key}"

    def find_upload_size(self, key: str) -> int | None:
        """Return how many bytes were uploaded, or None while there is no such object."""
        body = self.objects.get(key)
        return None if body is None else len(body)
