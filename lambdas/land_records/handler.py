"""SQS records queue → parts and a version in the lake. All good messages of one event make one version per dataset."""

from datetime import UTC, datetime

from lambdas.land_records.bootstrap import build_ports
from lambdas.land_records.settings import Settings
from presage.features.landing import land_batches
from presage.runtime.functions import Event, process_batch
from presage.runtime.observability import configure_logging
from presage.runtime.settings import load_settings

SETTINGS = load_settings(Settings)
configure_logging(service="land_records", stage=SETTINGS.stage)
PORTS = build_ports(SETTINGS)


def handle(event: Event, _context: object) -> dict[str, list[dict[str, str]]]:
    """Return which messages SQS shall deliver again."""
    return process_batch(
        event,
        parse=PORTS.messages.read_batch,
        handle=lambda batches: land_batches(batches=batches, store=PORTS.store, ids=PORTS.ids, now=datetime.now(UTC)),
    )
