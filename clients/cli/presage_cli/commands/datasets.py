"""`presage datasets upload`: from a file to a version, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from msgspec import UNSET, UnsetType

from presage_cli.options import AsJson, ProfileName, Target, Timeout
from presage_cli.output import Output
from presage_cli.progress import Meter
from presage_cli.session import open_client
from presage_cli.terminal import say
from presage_cli.values import read_json
from presage_cli.waiting import wait_for
from presage_client import Client
from presage_client.models import ColumnOverride

FileFormat = Literal["csv", "ndjson", "parquet", "tsv"]
SUFFIXES: dict[str, FileFormat] = {".csv": "csv", ".tsv": "tsv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}
PACKED = {".gz", ".zst", ".bz2", ".xz", ".zip"}


def register(app: typer.Typer, _name: str) -> None:
    """Add what is written by hand for datasets."""
    app.command()(upload)


def upload(  # noqa: PLR0913 - options of a command line
    *,
    dataset_id: Annotated[str, typer.Argument(metavar="DATASET_ID", show_default=False)],
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="What to import.", show_default=False)],
    entity_column: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that names the entity.")] = None,
    event_timestamp_column: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that says when it was true.")] = None,
    known_timestamp_column: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that says when it was known.")] = None,
    file_format: Annotated[FileFormat | None, typer.Option("--format", help="By default what the file's name ends with.")] = None,
    columns: Annotated[str | None, typer.Option(metavar="JSON|@FILE", help="What is declared of columns, by name.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Whether to wait for the import's end.")] = True,
    timeout: Timeout = None,
    target: Target = None,
    as_json: AsJson = False,
    profile: ProfileName = None,
) -> None:
    """Upload a file, import it, and wait for the end of the import, which is the exit code."""
    chosen, overrides = file_format or guess_format(file), read_overrides(columns)
    output = Output(as_json, target)
    with open_client(profile, api="workspace") as client:
        key = bring(client, dataset_id, file)
        job = client.datasets.create_import(
            dataset_id,
            key=key,
            format=chosen,
            entity_column=entity_column or UNSET,
            event_timestamp_column=event_timestamp_column or UNSET,
            known_timestamp_column=known_timestamp_column or UNSET,
            columns=overrides,
        )
        say(f"{file.name} is uploaded; job {job.job_id} imports it")
        if wait:
            wait_for(client, job.job_id, output, timeout_seconds=timeout)
        else:
            output.tell(job)


def guess_format(file: Path) -> FileFormat:
    """Return what a file's name says it is, packed or not.

    Raises:
        typer.BadParameter: It says nothing.
    """
    suffixes = [each.lower() for each in file.suffixes]
    plain = [each for each in suffixes if each not in PACKED]
    if not plain or plain[-1] not in SUFFIXES:
        raise typer.BadParameter(f"{file.name} does not say what it is", param_hint="--format")
    return SUFFIXES[plain[-1]]


def read_overrides(columns: str | None) -> dict[str, ColumnOverride] | UnsetType:
    """Return what is declared of columns.

    Raises:
        typer.BadParameter: It is not of that form.
    """
    if columns is None:
        return UNSET
    try:
        return msgspec.convert(read_json(columns), dict[str, ColumnOverride])
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error), param_hint="--columns") from None


def bring(client: Client, dataset_id: str, file: Path) -> str:
    """Upload a file and return the key that an import takes."""
    size = max(1, file.stat().st_size)
    with Meter(f"upload of {file.name}") as meter:
        return client.upload(dataset_id, file, on_progress=lambda sent: meter.tell(sent / size)).key
