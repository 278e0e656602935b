"""`presage predict`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from msgspec import UNSET

from presage_cli.exits import CliError, Exit
from presage_cli.options import AsJson, ProfileName, Target
from presage_cli.output import Output
from presage_cli.session import open_client
from presage_cli.values import as_list, read_json
from presage_client.public_models import EntryAnswer

SHOWN = ("prediction", "score", "answered_by", "model_version", "variant", "prediction_id")


def register(app: typer.Typer, _name: str) -> None:
    """Add the command."""
    app.command("predict")(predict)


def predict(  # noqa: PLR0913 - options of a command line
    *,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model's name.", show_default=False)],
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Entities, by their ids.", show_default=False)] = None,
    entry: Annotated[
        list[str] | None, typer.Option(metavar="JSON|@FILE", help="Entries with raw values, exclude, filters …: an object, or a list.")
    ] = None,
    version: Annotated[int | None, typer.Option(metavar="INT", help="Ask this version, serving or not.")] = None,
    include_features: Annotated[bool, typer.Option("--include-features", help="Answer the feature values that were used.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Answer what made each score, by feature column.")] = False,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Lets the call happen once, however often it is sent.")
    ] = None,
    target: Target = None,
    as_json: AsJson = False,
    profile: ProfileName = None,
) -> None:
    """Ask a model for predictions.

    Feature values are looked up by id; raw values in an entry override them. Ends with 3 if an entry was refused.

    Calls `POST /v1/predict`.
    """
    entries = [{"id": each} for each in ids or ()] + [each for text in entry or () for each in as_list(read_json(text))]
    if not entries:
        raise typer.BadParameter("name entities by their ids, or give --entry", param_hint="ID")
    told: dict[str, Any] = {"version": version, "idempotency_key": idempotency_key}
    told |= {"include_features": include_features or None, "explain": explain or None}
    output, is_detailed = Output(as_json, target), include_features or explain
    with open_client(profile, api="public") as client:
        answer = client.public.predict(model=model, features=entries, **{name: each for name, each in told.items() if each is not None})
    if as_json or target or is_detailed:
        output.tell(answer)
    else:
        output.tell([describe(each, result) for each, result in zip(entries, answer.results, strict=True)])
    refused = sum(each.error is not UNSET for each in answer.results)
    if refused:
        raise CliError(f"{refused} of {len(entries)} entries were refused; the answer says why", Exit.REFUSED)


def describe(entry: Any, answer: EntryAnswer) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return an entry's answer as a line of a table."""
    told = {name: getattr(answer, name) for name in SHOWN if getattr(answer, name) is not UNSET}
    error = {} if answer.error is UNSET else {"error": f"{answer.error.code}: {answer.error.detail}"}
    return {"id": entry.get("id") if isinstance(entry, dict) else None, **told, **error}
