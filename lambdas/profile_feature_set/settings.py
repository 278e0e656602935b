"""What profile_feature_set reads from its environment."""

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """`PRESAGE_<FIELD>` variables. `sample_rows` is the size of the subsample."""

    stage: str
    lake_bucket: str
    sample_rows: int = 1000
