"""A call of the public API as developers write it, with the key as a variable."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pprint import pformat

from services.backend.pages.rendering import show_json

WIDTH = 100
Request = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CallExample:
    """The call in one language."""

    language: str
    text: str


def write_calls(request: Request, url: str) -> Sequence[CallExample]:
    """Return the call for a shell, for Python and for JavaScript; `url` is where the public API is."""
    return [
        CallExample("curl", _write_curl(request, url)),
        CallExample("Python", _write_python(request, url)),
        CallExample("JavaScript", _write_javascript(request, url)),
    ]


def _write_curl(request: Request, url: str) -> str:
    place, body = shlex.quote(f"{url}/v1/predict"), shlex.quote(show_json(request))
    headers = '-H "x-api-key: $PRESAGE_KEY" \\\n  -H "content-type: application/json"'
    return f"curl -X POST {place} \\\n  {headers} \\\n  -d {body}"


def _write_python(request: Request, url: str) -> str:
    arguments = "".join(f"\n        {name}={_indent(pformat(value, width=WIDTH, sort_dicts=False))}," for name, value in request.items())
    return (
        "import os\n\nfrom presage_client import Client\n\n"
        f'with Client(public=({url!r}, os.environ["PRESAGE_KEY"])) as client:\n'
        f"    answer = client.public.predict({arguments}\n    )\n"
        "    print(answer.results[0])"
    )


def _write_javascript(request: Request, url: str) -> str:
    return (
        f"const answer = await fetch({show_json(f'{url}/v1/predict')}, {{\n"
        '  method: "POST",\n'
        '  headers: { "x-api-key": process.env.PRESAGE_KEY, "content-type": "application/json" },\n'
        f"  body: JSON.stringify({show_json(request).replace(chr(10), chr(10) + '  ')}),\n"
        "});\n"
        "console.log(answer.status, await answer.json());"
    )


def _indent(text: str) -> str:
    return text.replace("\n", "\n        ")
