"""Reads a deployable's settings from the environment, once, at its edge."""

import os
from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

PREFIX = "PRESAGE_"

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)


class DatabaseSettings(msgspec.Struct, frozen=True):
    """What every service that opens the relational database reads of its environment."""

    stage: Literal["local", "staging", "production"]
    database_host: str
    database_port: int
    database_name: str
    database_secret_arn: str
    """The secret `{"username", "password"}`, which a rotation changes: it is read when a connection needs it."""


def load_settings(settings_type: type[SettingsT], environment: Mapping[str, str] | None = None) -> SettingsT:
    """Return `settings_type` filled from `PRESAGE_<FIELD>` variables.

    Without an `environment`, the process's own is read: the one place of the library that does.
    Fields of mapping or struct type are read as JSON; all others by msgspec's lax conversion from text.

    Raises:
        RuntimeError: A variable is missing or malformed; the message names it and never its value.
    """
    if environment is None:
        environment = os.environ  # noqa: TID251 - this is the one reader
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(settings_type):
        name = PREFIX + field.name.upper()
        if name in environment:
            text = environment[name]
            values[field.name] = msgspec.json.decode(text) if text[:1] in "{[" else text
        elif field.required:
            raise RuntimeError(f"{name} is not set; {settings_type.__module__} needs it")
    try:
        return msgspec.convert(values, settings_type, strict=False)
    except msgspec.ValidationError as error:
        place = str(error).rpartition(" - at ")[2]
        raise RuntimeError(f"{settings_type.__module__}: a variable is malformed at {place}") from error
