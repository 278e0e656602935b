"""Imports of files whose columns are, become, or are not their dataset's."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from presage.adapters.memory.credential_store import MemoryCredentialStore
from presage.adapters.memory.dataset_store import MemoryDatasetStore
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.import_files import MemoryImportFiles
from presage.adapters.memory.quarantine_store import MemoryQuarantineStore
from presage.adapters.memory.seen_ids import open_seen_ids
from presage.errors import ConflictError, UnavailableError
from presage.features.dataset import Column, Dataset
from presage.features.landing import Addition, append_version
from presage.features.schema.evolution import add_columns
from presage.features.sources.ports import ImportPorts
from presage.jobs.arguments import ImportFile
from presage.jobs.execution import JobResult
from presage.jobs.model import Job
from presage.jobs.use_cases import build_job
from presage.progress import ignore_progress
from services.worker.imports import ImportSources, run_import
from tests.fixtures.feature_records import NOW, make_dataset, make_record

KEY = "ws=ws_1/imports/up_1/purchases.csv"
FIRST = "customer,bought_at,amount,shop,returned\nc1,2025-01-05T10:00:00Z,2.5,Zürich,true\n"
BROKEN = "customer,bought_at,amount,shop,returned\nc3,2025-01-07T10:00:00Z,cheap,Bern,true\nc4,2025-01-08T10:00:00Z,3,Bern,true\n"


def open_nothing(*_: object) -> Any:  # noqa: ANN401 - nothing is returned
    raise AssertionError("nothing is read from elsewhere")


@dataclass
class Place:
    objects: dict[str, bytes] = field(default_factory=dict)
    datasets: MemoryDatasetStore = field(default_factory=MemoryDatasetStore)
    lake: MemoryFeatureSetStore = field(default_factory=MemoryFeatureSetStore)

    def __post_init__(self) -> None:
        self.datasets.create_dataset(make_dataset())
        self.quarantine = MemoryQuarantineStore(self.objects)
        target = ImportPorts(self.lake, self.lake, open_seen_ids)
        files, credentials = MemoryImportFiles(self.objects), MemoryCredentialStore()
        self.ports = ImportSources(self.datasets, target, files, credentials, open_nothing, self.quarantine, open_nothing)

    @property
    def dataset(self) -> Dataset:
        return self.datasets.get_dataset("ws_1", "ds_1")

    def load(self, text: str, columns: Mapping[str, Mapping[str, Any]] | None = None, *, key: str = KEY) -> tuple[Job, JobResult]:
        self.objects[key] = text.encode()
        arguments = ImportFile("ds_1", key, "csv", "customer", "bought_at", columns=columns or {})
        job = build_job(arguments, workspace_id="ws_1", created_by="usr_1", now=NOW)
        return job, run_import(job, ignore_progress, self.ports)

    def rows(self, *columns: str) -> list[tuple[object, ...]]:
        version = self.lake.find_version("ws_1", "ds_1")
        return self.lake.read_frame(version).select(columns).rows() if version else []


def test_a_file_with_a_new_column_gives_the_dataset_a_schema_and_the_manifest_says_so() -> None:
    place = Place()
    place.load(FIRST)

    job, result = place.load("customer,bought_at,amount,shop,returned,colour\nc2,2025-01-06T10:00:00Z,1,a,false,red\n")

    colour = Column("colour", "string")
    assert (result.state, result.values["schema_version"]) == ("succeeded", 2)
    first, second = (place.lake.find_version("ws_1", "ds_1", number) for number in (1, 2))
    assert first is not None
    assert second is not None
    assert (first.dataset.schema_version, first.columns_added) == (1, ())
    assert (second.dataset.schema_version, second.columns_added) == (2, (colour,))
    assert place.rows("entity_id", "colour") == [("c1", None), ("c2", "red")]
    assert [(one.schema_version, one.columns_added, one.cause) for one in place.datasets.list_schemas("ws_1", "ds_1")] == [
        (1, make_dataset().columns, "declared"),
        (2, (colour,), job.job_id),
    ]


def test_what_was_accepted_for_an_older_schema_lands_in_the_newest() -> None:
    place = Place()
    old = place.dataset
    place.load(FIRST.replace("returned\n", "returned,colour\n").replace("true\n", "true,red\n"))

    part = place.lake.put_part(old, "late", "2025-01", [make_record(3)])
    landing = append_version(old, lambda _: Addition((part,), ()), store=place.lake, now=NOW)

    assert (landing.version.version, landing.version.dataset, landing.version.columns_added) == (2, place.dataset, ())
    assert [colour for (colour,) in place.rows("colour")] == [None, "red"]


def test_a_breaking_file_is_kept_as_it_is_and_nothing_of_it_lands() -> None:
    place = Place()
    place.load(FIRST)

    job, result = place.load(BROKEN.replace("shop,returned\n", "shop,returned,colour\n").replace("true\n", "true,red\n"))

    assert (result.state, result.noteworthy) == ("quarantined", True)
    assert result.summary == (
        "Nothing was imported into purchases, the file is in quarantine: "
        "amount widened (number → string): 1 of 2 values are no number, first in line 2 ('cheap')"
    )
    assert len(place.lake.objects) == 1
    assert place.rows("entity_id") == [("c1",)]
    assert place.dataset == make_dataset()
    load = place.quarantine.find_load("ws_1", "ds_1", job.job_id)
    assert load is not None
    assert load.key == f"ws=ws_1/quarantine/dataset=ds_1/{job.job_id}/file/purchases.csv"
    assert place.objects[load.key] == place.objects[KEY]
    assert [(change.column, change.compatible) for change in load.changes] == [("amount", False), ("colour", True)]


def test_a_kept_file_lands_by_what_is_declared() -> None:
    place = Place()
    job, _ = place.load(BROKEN)
    load = place.quarantine.find_load("ws_1", "ds_1", job.job_id)
    assert load is not None
    kept = place.objects[load.key].decode()

    _, refused = place.load(kept, {"amount": {"type": "number"}}, key=load.key)
    assert (refused.state, refused.values["accepted"], refused.values["invalid"]) == ("succeeded", 1, 1)
    assert place.rows("entity_id", "amount") == [("c4", 3.0)]


def test_values_of_another_type_go_into_another_column() -> None:
    place = Place()
    place.load(FIRST)

    _, result = place.load(BROKEN, {"amount": {"into": "price"}})

    assert result.state == "succeeded"
    assert place.dataset.columns[-1] == Column("price", "string")
    assert sorted(place.rows("entity_id", "amount", "price"), key=str) == [("c1", 2.5, None), ("c3", None, "cheap"), ("c4", None, "3")]


def test_a_column_that_is_ignored_lands_in_no_row() -> None:
    place = Place()
    _, result = place.load(BROKEN, {"amount": {"ignore": True}})
    assert (result.state, place.rows("amount")) == ("succeeded", [(None,), (None,)])


def test_a_file_that_was_kept_before_a_crash_is_kept_once() -> None:
    place = Place()
    job, first = place.load(BROKEN)

    assert run_import(job, ignore_progress, place.ports) == first
    assert len(place.quarantine.list_loads("ws_1", "ds_1")) == 1


def test_a_schema_that_changes_meanwhile_is_compared_again_later() -> None:
    place = Place()
    add_columns(place.dataset, [Column("colour", "string")], cause="job_0", now=NOW, datasets=place.datasets)
    with pytest.raises(ConflictError):
        add_columns(make_dataset(), [Column("size", "number")], cause="job_1", now=NOW, datasets=place.datasets)

    class Late(MemoryDatasetStore):
        def get_dataset(self, workspace_id: str, dataset_id: str) -> Dataset:  # noqa: ARG002 - as it was a moment ago
            return make_dataset()

        def evolve_dataset(self, schema: object) -> None:
            raise ConflictError(f"{schema} comes late")

    place.ports = replace(place.ports, datasets=Late())
    with pytest.raises(UnavailableError):
        place.load(FIRST.replace("returned\n", "returned,size\n").replace("true\n", "true,1\n"))
    assert add_columns(place.dataset, (), cause="job_2", now=NOW, datasets=place.datasets).schema_version == 2
