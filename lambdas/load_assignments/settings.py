"""What load_assignments reads from its environment."""

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """`PRESAGE_<FIELD>` variables."""

    stage: str
    lake_bucket: str
    redshift_workgroup: str
    redshift_database: str
    redshift_copy_role_arn: str
