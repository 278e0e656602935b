"""SQS assignments queue → the warehouse. All good messages of one event are merged in one transaction per workspace."""

from itertools import chain

from lambdas.load_assignments.bootstrap import build_warehouse
from lambdas.load_assignments.settings import Settings
from presage.experiments.messages import decode_message
from presage.runtime.functions import Event, process_batch
from presage.runtime.observability import configure_logging
from presage.runtime.settings import load_settings

SETTINGS = load_settings(Settings)
configure_logging(service="load_assignments", stage=SETTINGS.stage)
WAREHOUSE = build_warehouse(SETTINGS)


def handle(event: Event, _context: object) -> dict[str, list[dict[str, str]]]:
    """Return which messages SQS shall deliver again."""
    return process_batch(
        event,
        parse=decode_message,
        handle=lambda messages: WAREHOUSE.load_assignments(list(chain.from_iterable(messages))),
    )
