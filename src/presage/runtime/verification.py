"""`presage experiments verify CERTIFICATE`: computes a certificate again from the warehouse that the environment names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from presage.adapters.client import build_client
from presage.adapters.redshift.data_api import DataApi, Warehousing
from presage.adapters.redshift.ledger import RedshiftLedger
from presage.errors import InvalidInputError, UnavailableError
from presage.experiments.certificate import SOFTWARE, Certificate, decode_certificate
from presage.experiments.ports import WarehouseLedger
from presage.experiments.verification import Difference, verify_certificate
from presage.progress import Progress
from presage.runtime.settings import load_settings

VERIFIED, DIFFERENT, FAILED = 0, 1, 2
"""Exit codes. What could not be compared is not verified, and is no difference either."""
MOST_SHOWN = 200
LONGEST_VALUE = 200


class VerificationSettings(msgspec.Struct, frozen=True):
    """Which warehouse is asked. Nothing else is: a certificate names its experiment."""

    redshift_workgroup: str
    redshift_database: str


def build_ledger(environment: Mapping[str, str] | None = None) -> WarehouseLedger:
    """Return the ledger of the warehouse that `PRESAGE_REDSHIFT_WORKGROUP` and `PRESAGE_REDSHIFT_DATABASE` name.

    Raises:
        RuntimeError: One of them is missing.
    """
    settings = load_settings(VerificationSettings, environment)
    return RedshiftLedger(DataApi(build_client("redshift-data"), Warehousing(settings.redshift_workgroup, settings.redshift_database)))


def run_verify(path: str, *, connect: Callable[[], WarehouseLedger], progress: Progress) -> int:
    """Print what differs between a certificate and the warehouse, and return the exit code: 0 if nothing, 1, or 2 if nobody can tell."""
    try:
        certificate = decode_certificate(Path(path).read_bytes())
        differences = verify_certificate(certificate, ledger=connect(), progress=progress)
    except (OSError, RuntimeError, InvalidInputError, UnavailableError) as error:
        sys.stderr.write(f"not verified: {error}\n")
        return FAILED
    sys.stdout.write("".join(f"{line}\n" for line in report(certificate, differences)))
    return DIFFERENT if differences else VERIFIED


def report(certificate: Certificate, differences: list[Difference]) -> list[str]:
    """Return the outcome in lines: each difference, then what was compared."""
    conclusion = certificate.conclusion
    subject = f"{certificate.experiment_id}, {len(certificate.looks)} looks, {conclusion.decision} at look {conclusion.look}"
    lines = [
        f"{found.path}: certified {_show(found.certified)}, recomputed {_show(found.recomputed)}" for found in differences[:MOST_SHOWN]
    ]
    if len(differences) > MOST_SHOWN:
        lines.append(f"and {len(differences) - MOST_SHOWN} more")
    if certificate.software != SOFTWARE:
        lines.append(f"certified by {certificate.software}, recomputed by {SOFTWARE}")
    return [*lines, f"DIFFERENT in {len(differences)} values: {subject}" if differences else f"verified: {subject}"]


def _show(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
