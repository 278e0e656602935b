"""The shipper, a process beside the server: hands predictions over to the log and the warehouse. `python -m services.public_api.shipper`.

SIGTERM lets it hand over what is left, within a bound; it is to be sent when the server has ended.
"""

from __future__ import annotations

import logging
import signal
from dataclasses import asdict

from presage.predictions.shipping import Report, Shipper
from presage.runtime.observability import configure_logging, with_fields
from presage.runtime.settings import load_settings
from services.public_api import bootstrap_shipper
from services.public_api.settings import PublicApiSettings

STOPPING = frozenset({signal.SIGTERM, signal.SIGINT})
_LOG = logging.getLogger("presage.shipper")


def main() -> int:
    """Ship until asked to stop; 1 if something is left then."""
    # The signals wait until they are asked for: none interrupts a call half way.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    settings = load_settings(PublicApiSettings)
    configure_logging(service="public_api", stage=settings.stage)
    left = Shipper(bootstrap_shipper.build(settings), report=log_report).run(wait)
    if left.unshipped_bytes:
        _LOG.error("stopped with predictions that are not handed over", extra=with_fields({"unshipped_bytes": left.unshipped_bytes}))
        return 1
    return 0


def wait(seconds: float) -> bool:
    """Wait, and return whether the process was asked to stop."""
    return signal.sigtimedwait(STOPPING, seconds) is not None


def log_report(report: Report) -> None:
    """Write the line that metrics and alarms are made from (stacks/public_api.py)."""
    _LOG.info("journal", extra=with_fields(asdict(report)))


if __name__ == "__main__":
    raise SystemExit(main())
