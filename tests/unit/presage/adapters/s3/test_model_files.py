"""A disk that fails is not the end of an answer."""

from pathlib import Path
from typing import Any, cast

import pytest

from presage.adapters.s3.model_files import S3ModelFiles
from presage.errors import UnavailableError


def test_a_folder_that_cannot_be_written_is_unavailable_so_that_the_ladder_goes_on(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    files = S3ModelFiles(client=cast("Any", None), artifacts_bucket="artifacts", lake_bucket="lake", folder=blocked / "cache")
    with pytest.raises(UnavailableError, match="cannot be kept"):
        files.fetch_artifact("ws=ws_1/models/mdl_1/1/model.onnx", sha256="0" * 64)
