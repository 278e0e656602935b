"""What log_predictions reads from its environment."""

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """`PRESAGE_<FIELD>` variables."""

    stage: str
    lake_bucket: str
    prediction_table: str
