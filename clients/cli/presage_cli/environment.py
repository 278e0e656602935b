"""What the environment says; read here only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """The variables that the command line reads."""

    config_file: Path
    profile: str | None = None
    backend_url: str | None = None
    token: str | None = field(default=None, repr=False)
    gateway_url: str | None = None
    api_key: str | None = field(default=None, repr=False)


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Return what is set; an empty variable counts as none."""
    variables = os.environ if variables is None else variables
    home = variables.get("XDG_CONFIG_HOME") or str(Path(variables.get("HOME") or "~").expanduser() / ".config")
    named = {
        name: variables.get(f"PRESAGE_{name.upper()}") or None for name in ("profile", "backend_url", "token", "gateway_url", "api_key")
    }
    return Environment(Path(home) / "presage" / "config.toml", **named)
