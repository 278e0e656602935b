"""Writes the generated modules of the client: `python -m presage_client_generator`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from presage_client_generator.operations import Operation, list_inputs, read_operations
from presage_client_generator.types import Types
from presage_client_generator.writing import write_models, write_operations, write_resources

ROOT = Path(__file__).parents[3]
PACKAGE = Path(__file__).parents[1] / "presage_client"
DOCUMENTS = {"workspace": ROOT / "docs" / "openapi" / "backend.yaml", "public": ROOT / "docs" / "openapi" / "public.json"}


def read_document(api: str) -> dict[str, Any]:
    """Return the OpenAPI document of an API."""
    text = DOCUMENTS[api].read_text()
    document: dict[str, Any] = yaml.safe_load(text) if DOCUMENTS[api].suffix == ".yaml" else json.loads(text)
    return document


def read_all() -> tuple[list[Operation], dict[str, Types]]:
    """Return the operations of both documents, and the types that they use."""
    operations: list[Operation] = []
    types: dict[str, Types] = {}
    for api in DOCUMENTS:
        document = read_document(api)
        types[api] = Types(document, inputs=list_inputs(document))
        operations += read_operations(document, api=api, types=types[api])
    return operations, types


def generate() -> dict[str, str]:
    """Return the generated modules by file name, formatted as the repository is."""
    operations, types = read_all()
    files = {
        "models.py": write_models(types["workspace"].structs.values(), "What the workspace API takes and answers."),
        "public_models.py": write_models(types["public"].structs.values(), "What the public API takes and answers."),
        "operations.py": write_operations(operations),
        "resources.py": write_resources(operations, asynchronous=False),
        "async_resources.py": write_resources(operations, asynchronous=True),
    }
    return {name: tidy(text, name) for name, text in files.items()}


def tidy(text: str, name: str) -> str:
    """Return the text without unused imports, sorted and formatted."""
    ruff = str(Path(sys.executable).with_name("ruff"))
    place = ["--stdin-filename", str(PACKAGE / name), "-"]
    for command in (["check", "--quiet", "--fix-only", "--select", "F401,I,UP,PYI,TC", *place], ["format", "--quiet", *place]):
        text = subprocess.run([ruff, *command], input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout  # noqa: S603 - our own tool
    return text


def main() -> None:
    """Write what is generated."""
    for name, text in generate().items():
        (PACKAGE / name).write_text(text)


if __name__ == "__main__":
    main()
