"""Where the running stack is, as its launcher wrote it down."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

ENDPOINTS = Path(".local/endpoints.json")


@dataclass(frozen=True, slots=True)
class Stack:
    """Addresses of the running stack; `aws` holds keyword arguments of boto3 clients by service."""

    gateway_url: str
    public_api_url: str
    backend_url: str
    operator_token: str
    lake_bucket: str
    prediction_table: str
    redshift_workgroup: str
    redshift_database: str
    emulator_url: str
    redshift_data_url: str
    region: str


def read_stack(path: Path = ENDPOINTS) -> Stack:
    """Return the running stack.

    Raises:
        SystemExit: Nothing is running here.
    """
    if not path.exists():
        raise SystemExit(f"{path} is not there: the local stack is not up. Start it with `make up`.")
    values = json.loads(path.read_text())
    return Stack(**{name: values[name] for name in Stack.__dataclass_fields__})
