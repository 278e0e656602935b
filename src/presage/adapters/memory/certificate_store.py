"""Certificates in a dictionary."""

from __future__ import annotations

from presage.errors import AlreadyExistsError


class MemoryCertificateStore:
    """`CertificateStore` for tests."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, str], bytes] = {}

    def create_certificate(self, workspace_id: str, experiment_id: str, body: bytes) -> None:
        """Write it, or raise `AlreadyExistsError` when the experiment has one."""
        if (workspace_id, experiment_id) in self._bodies:
            raise AlreadyExistsError(f"Experiment {experiment_id} has a certificate already")
        self._bodies[workspace_id, experiment_id] = body

    def find_certificate(self, workspace_id: str, experiment_id: str) -> bytes | None:
        """Return its bytes, or None while there is none."""
        return self._bodies.get((workspace_id, experiment_id))
