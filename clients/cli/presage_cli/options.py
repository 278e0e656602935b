"""Options that many commands have."""

from pathlib import Path
from typing import Annotated, Any

import typer

PANEL = "Common options"
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, one document, or NDJSON for lists.", rich_help_panel=PANEL)]
ProfileName = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Use this profile, not the current one.", rich_help_panel=PANEL)
]
Target = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the answer to a file, texts as they are.", rich_help_panel=PANEL),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the job has ended; its end is the exit code.", rich_help_panel=PANEL)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel=PANEL)]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0, help="Wait no longer; the job goes on.", rich_help_panel=PANEL)
]
Limit = Annotated[int, typer.Option("--limit", min=1, metavar="INT", help="How many at most.", rich_help_panel=PANEL)]
Everything = Annotated[bool, typer.Option("--all", help="All of them, however many.", rich_help_panel=PANEL)]
Body = Annotated[
    str | None,
    typer.Option("--body", metavar="JSON|@FILE", help="All fields as one JSON object; options go before it.", rich_help_panel=PANEL),
]
COMMON: dict[str, tuple[Any, Any]] = {
    "body": (Body, None),
    "limit": (Limit, 50),
    "everything": (Everything, False),
    "wait": (Wait, False),
    "timeout": (Timeout, None),
    "yes": (Yes, False),
    "target": (Target, None),
    "as_json": (AsJson, False),
    "profile": (ProfileName, None),
}
"""Each with its default, by the name that functions have it under."""
