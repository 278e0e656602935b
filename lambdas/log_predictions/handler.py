"""SQS predictions queue → the prediction log. Entries of all good messages of one event are put together, in full batches."""

from itertools import chain

from lambdas.log_predictions.bootstrap import build_ports
from lambdas.log_predictions.settings import Settings
from presage.runtime.functions import Event, process_batch
from presage.runtime.observability import configure_logging
from presage.runtime.settings import load_settings

SETTINGS = load_settings(Settings)
configure_logging(service="log_predictions", stage=SETTINGS.stage)
PORTS = build_ports(SETTINGS)


def handle(event: Event, _context: object) -> dict[str, list[dict[str, str]]]:
    """Return which messages SQS shall deliver again."""
    return process_batch(
        event,
        parse=PORTS.messages.read_entries,
        handle=lambda messages: PORTS.log.put_predictions(list(chain.from_iterable(messages))),
    )
