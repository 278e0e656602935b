"""Every Python block of the client's documents runs, in order, against both APIs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from presage_client import Client
from tests.fixtures.live_apis import API_KEY, serve_apis
from tests.fixtures.synthesis import ROOT

DOCUMENTS = {"docs/client.md": 9, "clients/python/README.md": 1}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_blocks_of_a_document_run(document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    assert len(blocks) >= DOCUMENTS[document]
    monkeypatch.chdir(tmp_path)
    with serve_apis(tmp_path) as apis:
        scope: dict[str, Any] = {"BACKEND": apis.workspace_url, "TOKEN": apis.token, "GATEWAY": apis.public_url, "KEY": API_KEY}
        for number, block in enumerate(blocks):
            exec(compile(block, f"{document}, block {number}", "exec"), scope)  # noqa: S102 - our own documentation
        for value in scope.values():
            if isinstance(value, Client):
                value.close()
        landed = [record.entity_id for batch in apis.records.batches for record in batch.records]

    assert landed == (["c1", "c2"] if document == "docs/client.md" else [])
