"""Looks through a file before anything of it lands: are its columns the dataset's?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from presage.features.dataset import Dataset
from presage.features.schema.comparison import Observation, Survey
from presage.features.schema.model import Comparison
from presage.features.sources.files import ImportRequest, check_key, check_named_columns
from presage.features.sources.ports import FileRow, ImportFiles, SourceFile
from presage.progress import Progress, ignore_progress

REPORT_ROWS = 5_000
_TEXT_FORMATS = frozenset({"csv", "tsv"})


class _Wire(msgspec.Struct):
    values: dict[str, object] | None = None


_WIRE = msgspec.json.Decoder(_Wire)
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def survey_file(request: ImportRequest, dataset: Dataset, files: ImportFiles, *, progress: Progress = ignore_progress) -> Comparison:
    """Return how the columns of a file differ from the dataset's. Rows that cannot be read are left to the import, which counts them.

    Raises:
        InvalidInputError, NotFoundError: As for `FileSource.read`, but for columns that the dataset does not have.
    """
    check_key(request.key, dataset.workspace_id)
    with files.open_file(request.key, request.file_format) as file:
        check_named_columns(request, file.columns)
        survey = Survey(dataset, request.columns, request.file_format in _TEXT_FORMATS, file.columns is not None)
        look = _look_at_wire(survey) if file.columns is None else _look_at_cells(survey, request, file)
        for row in file.rows:
            survey.rows += 1
            if survey.rows % REPORT_ROWS == 0:
                progress(0.0, f"Columns of {survey.rows:,} rows compared")
            look(row)
    return survey.compare()


def _look_at_cells(survey: Survey, request: ImportRequest, file: SourceFile) -> Callable[[FileRow], None]:
    columns = file.columns or ()
    own = request.name_own(columns, survey.dataset)
    observed: Mapping[str, Observation] = {name: survey.observe(name) for name in columns if name not in own}

    def look(row: FileRow) -> None:
        if isinstance(row.content, Mapping):
            for name, observation in observed.items():
                observation.see(row.content[name], row.line, row.part)

    return look


def _look_at_wire(survey: Survey) -> Callable[[FileRow], None]:
    def look(row: FileRow) -> None:
        try:
            values = _WIRE.decode(row.content).values if isinstance(row.content, bytes) else None
        except _UNDECODABLE:
            return
        for name, value in (values or {}).items():
            survey.observe(name).see(value, row.line, row.part)

    return look
