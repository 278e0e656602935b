"""`presage models download-predictions`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from presage_cli.options import AsJson, ProfileName
from presage_cli.output import Output
from presage_cli.progress import Meter
from presage_cli.session import open_client
from presage_client.models import BatchPredictionFile


def register(app: typer.Typer, _name: str) -> None:
    """Add what is written by hand for models."""
    app.command("download-predictions")(download)


def download(
    *,
    model_id: Annotated[str, typer.Argument(metavar="MODEL_ID", show_default=False)],
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", show_default=False)],
    folder: Annotated[Path, typer.Option("--folder", "-d", metavar="FOLDER", help="Where to; made if it is missing.")] = Path(),
    as_json: AsJson = False,
    profile: ProfileName = None,
) -> None:
    """Download the files of a batch prediction, each checked by size and SHA-256."""
    fetched: list[dict[str, Any]] = []
    with open_client(profile, api="workspace") as client:
        files = client.models.get_batch_prediction(model_id, job_id).files
        folder.mkdir(parents=True, exist_ok=True)
        whole = max(1, sum(file.bytes for file in files))
        with Meter("download") as meter:
            done = 0
            for number, file in enumerate(files):
                target = folder / name_file(number, file)
                client.download(file, target, on_progress=lambda came, done=done: meter.tell((done + came) / whole))  # type: ignore[misc]  # a default
                done += file.bytes
                fetched.append({"file": str(target), "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256})
    Output(as_json).tell(fetched)


def name_file(number: int, file: BatchPredictionFile) -> str:
    """Return what a file is called here: by its place among all, as parts of different folders may have one name."""
    return f"{number:05d}{PurePosixPath(urlsplit(file.url).path).suffix or '.parquet'}"
