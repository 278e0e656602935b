"""`presage records send`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, cast, get_args

import typer

from presage_cli.environment import read_environment
from presage_cli.options import AsJson, ProfileName
from presage_cli.output import Output
from presage_cli.profiles import choose_profile
from presage_cli.progress import Meter
from presage_cli.record_files import Columns, ColumnType, Counted, Line, read_csv, read_ndjson
from presage_cli.sending import Refusals, Sending, judge, send, tell_interrupt
from presage_cli.session import build_client, open_client
from presage_client import Client

STANDARD_INPUT = "-"
EVERY = 500
"""Lines between two looks at how far it is."""
ColumnOption = typer.Option(metavar="COLUMN", help="CSV: the column of this field.")


def register(app: typer.Typer, _name: str) -> None:
    """Add the command."""
    app.command("send")(send_file)
    app.callback()(lambda: None)


def send_file(  # noqa: PLR0913 - options of a command line
    *,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="The dataset's name.", show_default=False)],
    file: Annotated[str, typer.Argument(metavar="FILE", help="NDJSON or CSV; - is standard input.", show_default=False)],
    file_format: Annotated[Literal["ndjson", "csv"] | None, typer.Option("--format", help="By default CSV if the name says so.")] = None,
    entity_column: Annotated[str, ColumnOption] = "entity_id",
    event_timestamp_column: Annotated[str, ColumnOption] = "event_timestamp",
    known_timestamp_column: Annotated[str, ColumnOption] = "known_timestamp",
    record_id_column: Annotated[str, ColumnOption] = "record_id",
    column_type: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="COLUMN=TYPE", help="CSV: number, boolean or string; by default what the dataset declares."),
    ] = None,
    refusals: Annotated[Path | None, typer.Option(metavar="FILE", help="Where refusals go; FILE.refused.ndjson by default.")] = None,
    as_json: AsJson = False,
    profile: ProfileName = None,
) -> None:
    """Send the records of a file, in batches, each until it is taken or refused.

    A line of NDJSON is a record: entity_id, event_timestamp, values, and perhaps record_id and known_timestamp. Ends with 3 if
    some were not taken; those are in a file then, each with its reason.

    Calls `POST /v1/datasets/{dataset}/records`.
    """
    is_csv = (file_format or ("csv" if file.lower().endswith(".csv") else "ndjson")) == "csv"
    names = (entity_column, event_timestamp_column, known_timestamp_column, record_id_column)
    types = {**(find_types(profile, dataset) if is_csv else {}), **read_types(column_type or [])}
    refused = Refusals(refusals or Path(f"{'stdin' if file == STANDARD_INPUT else Path(file).name}.refused.ndjson"))
    with open_client(profile, api="public") as client, open_source(file) as (source, size):
        counted = Counted(source)
        lines = read_csv(counted, Columns(*names, types)) if is_csv else read_ndjson(counted)
        sending = run(client, dataset, lines, refused, (counted, size, file))
    Output(as_json).tell({"read": sending.read, "taken": sending.read - refused.count, "refused": refused.count})
    judge(sending, refused)


def run(client: Client, dataset: str, lines: Iterator[Line], refused: Refusals, source: tuple[Counted, int, str]) -> Sending:
    """Send all lines, and return how many there were."""
    counted, size, name = source
    sending = Sending()
    try:
        with Meter(f"records of {name}") as meter, client.record_writer(dataset, on_refused=refused.take) as writer:
            for read in send(lines, writer, refused, sending):
                if read % EVERY == 0:
                    meter.tell(
                        counted.bytes / size if size else 0.0, f"{read:,} read, {refused.count:,} refused" if sys.stderr.isatty() else ""
                    )
    except KeyboardInterrupt:
        raise tell_interrupt(sending, name) from None
    finally:
        refused.close()
    return sending


@contextmanager
def open_source(name: str) -> Iterator[tuple[BinaryIO, int]]:
    """Yield a file and its size; that of standard input is not known."""
    if name == STANDARD_INPUT:
        yield sys.stdin.buffer, 0
        return
    path = Path(name)
    with path.open("rb") as file:
        yield file, path.stat().st_size


def read_types(told: list[str]) -> dict[str, ColumnType]:
    """Return the types that options tell, by column.

    Raises:
        typer.BadParameter: One is no `COLUMN=TYPE`.
    """
    types: dict[str, ColumnType] = {}
    for each in told:
        name, _, kind = each.rpartition("=")
        if not name or kind not in get_args(ColumnType):
            raise typer.BadParameter(f"{each!r} is no COLUMN=number, COLUMN=boolean or COLUMN=string", param_hint="--type")
        types[name] = cast("ColumnType", kind)
    return types


def find_types(profile: str | None, dataset: str) -> dict[str, ColumnType]:
    """Return the types that the dataset declares, if the profile may ask the workspace API."""
    _, chosen = choose_profile(read_environment(), profile)
    if chosen.workspace is None:
        return {}
    with build_client(chosen) as client:
        found = next((each for each in client.datasets.list(limit=200) if each.name == dataset), None)
    return {each.name: each.type for each in found.columns} if found else {}
