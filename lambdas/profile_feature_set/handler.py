"""S3 event on a version's manifest → subsample and summary statistics of that version."""

from lambdas.profile_feature_set.bootstrap import build_store
from lambdas.profile_feature_set.settings import Settings
from presage.features.profile import profile_key
from presage.runtime.functions import Event, process_objects
from presage.runtime.observability import configure_logging
from presage.runtime.settings import load_settings

SETTINGS = load_settings(Settings)
configure_logging(service="profile_feature_set", stage=SETTINGS.stage)
STORE = build_store(SETTINGS)


def handle(event: Event, _context: object) -> None:
    """Profile the version that each created manifest describes."""
    process_objects(event, handle=lambda key: profile_key(key, store=STORE, sample_rows=SETTINGS.sample_rows))
