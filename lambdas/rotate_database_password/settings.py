"""What rotate_database_password reads from its environment."""

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """`PRESAGE_<FIELD>` variables. Which secret it is comes with the event."""

    stage: str
    database_host: str
    database_port: int
    database_name: str
