"""A logged prediction is made again to the bit, or it is said where it is not, or why it cannot be made."""

import math
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from presage.adapters.memory.experiment_store import MemoryExperimentStore
from presage.adapters.memory.model_registry import MemoryModelRegistry
from presage.adapters.memory.version_registry import MemoryVersionRegistry
from presage.errors import UnavailableError
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.replay import Replay, ReplayPorts, replay_prediction
from presage.training.model import ModelVersion
from tests.fixtures.replayed import DOWN, KINDS, LISTS, UP, Past, memory_stores
from tests.fixtures.serving import CLASSIFICATION, RANKING, build_model, build_world


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(build_world(tmp_path), memory_stores())


def as_json(value: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(value))


def find(replay: Replay) -> dict[str, tuple[object, object]]:
    """What was logged and what came out, by where they differ."""
    return {each.path: (each.logged, each.replayed) for each in replay.differences}


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_answered_is_answered_again(past: Past, kind: str) -> None:
    logged = KINDS[kind](past, 12)
    assert len(logged) >= 12
    ports = past.ports()
    for entry in logged:
        replay = replay_prediction(entry, ports)
        assert (replay.outcome, replay.differences, replay.detail) == ("same", [], None)
        assert as_json((replay.result, replay.features)) == as_json((entry.result, entry.features))


def test_all_ways_to_an_answer_are_among_them(past: Past) -> None:
    logged = [*KINDS["policies"](past, 48), *KINDS["arms"](past, 12), *KINDS["fallbacks"](past, 6)]
    ways = {(entry.basis.answerer, entry.result["answered_by"], entry.variant) for entry in logged if entry.basis is not None}
    held = {(answerer, by) for answerer, by, variant in ways if variant == "none"}
    assert {("default", "default"), ("random", "random"), ("previous_version", "previous_version"), ("popularity", "baseline")} <= held
    assert {("model", "model", "treatment"), ("random", "random", "control"), ("model", "model", "old"), ("model", "model", "new")} <= ways
    assert {("model", "previous_version"), ("model", "baseline"), ("model", "default")} <= held


class TestTampering:
    """Two versions answered; something stored is then changed."""

    @pytest.fixture
    def versions(self, past: Past) -> list[ModelVersion]:
        model, versions = past.add("m", RANKING, ("f9",), UP, DOWN)
        past.world.deploy(model, versions[0])
        return versions

    @pytest.fixture
    def entry(self, past: Past, versions: list[ModelVersion]) -> PredictionLogEntry:
        (entry,) = past.ask("m", LISTS[0], explain=True)
        assert versions
        return entry

    @pytest.fixture
    def ports(self, past: Past) -> ReplayPorts:
        return past.ports()

    def rewrite(self, past: Past, version: ModelVersion, **changes: Any) -> None:  # noqa: ANN401 - any field
        stored = msgspec.json.decode(past.world.files.artifacts[version.artifact_key])
        past.world.files.artifacts[version.artifact_key] = msgspec.json.encode(stored | changes)

    @pytest.mark.parametrize("warm", [False, True])
    def test_a_model_in_place_of_another_shows_by_checksum_score_order_and_contributions(
        self, past: Past, entry: PredictionLogEntry, ports: ReplayPorts, *, warm: bool
    ) -> None:
        if warm:
            assert replay_prediction(entry, ports).outcome == "same"
        key, body = "ws=ws_1/models/mdl_m/1/model.msgpack", build_model(DOWN)
        original, past.world.files.artifacts[key] = past.world.files.artifacts[key], body
        replay = replay_prediction(entry, ports)
        found = find(replay)
        assert replay.outcome == "different"
        assert found[f'$.files["{key}"]'] == (sha256(original).hexdigest(), sha256(body).hexdigest())
        assert (found["$.result.prediction[0]"], found["$.result.prediction[2]"]) == (("f2", "f4"), ("f1", "f2"))
        assert "$.result.score[0]" in found
        assert "$.result.explanation.items.f2.contributions.films__taken" in found
        past.world.files.artifacts[key] = original
        assert replay_prediction(entry, ports).outcome == "same"

    def test_one_whose_manifest_was_made_to_fit_shows_by_the_manifest(
        self, past: Past, versions: list[ModelVersion], entry: PredictionLogEntry, ports: ReplayPorts
    ) -> None:
        body = build_model(DOWN)
        past.world.files.artifacts["ws=ws_1/models/mdl_m/1/model.msgpack"] = body
        self.rewrite(past, versions[0], model_sha256=sha256(body).hexdigest())
        found = find(replay_prediction(entry, ports))
        assert entry.basis is not None
        assert entry.basis.values is not None
        digest = sha256(past.world.files.artifacts[versions[0].artifact_key]).hexdigest()
        assert found["$.basis.values.artifact_sha256"] == (entry.basis.values.artifact_sha256, digest)
        assert found["$.result.prediction[0]"] == ("f2", "f4")
        assert not [path for path in found if path.startswith("$.files")]

    def test_a_model_changed_by_one_bit_that_cannot_answer_is_different(
        self, past: Past, entry: PredictionLogEntry, ports: ReplayPorts
    ) -> None:
        key = "ws=ws_1/models/mdl_m/1/model.msgpack"
        body = past.world.files.artifacts[key]
        past.world.files.artifacts[key] = bytes([body[0] ^ 0x40]) + body[1:]
        replay = replay_prediction(entry, ports)
        assert (replay.outcome, replay.reason, list(find(replay))) == ("different", "not_answerable", [f'$.files["{key}"]'])
        assert replay.result is None

    def test_a_manifest_that_is_none_any_more_is_different(
        self, past: Past, versions: list[ModelVersion], entry: PredictionLogEntry, ports: ReplayPorts
    ) -> None:
        past.world.files.artifacts[versions[0].artifact_key] = b"{}"
        replay = replay_prediction(entry, ports)
        assert (replay.outcome, replay.reason) == ("different", "not_answerable")
        assert list(find(replay)) == ["$.basis.values.artifact_sha256"]

    def test_values_in_place_of_others_show(
        self, past: Past, versions: list[ModelVersion], entry: PredictionLogEntry, ports: ReplayPorts
    ) -> None:
        key = versions[0].snapshot_key.replace("snapshot.json", "features.lmdb")
        past.world.files.lake[key] += b"more"
        replay = replay_prediction(entry, ports)
        assert (replay.outcome, list(find(replay))) == ("different", [f'$.files["{key}"]'])

    def test_another_snapshot_under_the_name_shows_by_manifest_and_values(
        self, past: Past, versions: list[ModelVersion], entry: PredictionLogEntry, ports: ReplayPorts
    ) -> None:
        model = past.stores.models.get_model("ws_1", "mdl_m")
        other = past.world.renew(model, versions[0], {("orders", "c1"): (4.0, 30.0, 1.0)})
        past.world.files.lake[versions[0].snapshot_key] = past.world.files.lake[other.snapshot_key]
        found = find(replay_prediction(entry, ports))
        assert {"$.basis.values.snapshot_sha256", "$.features.entity.orders__n"} <= found.keys()
        assert found["$.features.entity.orders__n"] == (3.0, 4.0)

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"entity_id": "c2"}, "$.entity_id"),
            ({"model_version": 2}, "$.model_version"),
            ({"features": {"entity": {}}}, "$.features.items"),
        ],
    )
    def test_a_log_entry_that_was_changed_shows(
        self, entry: PredictionLogEntry, ports: ReplayPorts, changes: Mapping[str, object], path: str
    ) -> None:
        assert path in find(replay_prediction(replace(entry, **changes), ports))

    def test_the_last_bit_of_a_score_counts(self, entry: PredictionLogEntry, ports: ReplayPorts) -> None:
        first, *rest = msgspec.convert(entry.result["score"], tuple[float, ...])
        changed = replace(entry, result={**entry.result, "score": [math.nextafter(first, 1.0), *rest]})
        assert find(replay_prediction(changed, ports)) == {"$.result.score[0]": (math.nextafter(first, 1.0), first)}

    def test_what_is_on_one_side_only_is_left_out_on_the_other(self, entry: PredictionLogEntry, ports: ReplayPorts) -> None:
        changed = replace(entry, result={**entry.result, "propensity": 1.0})
        (difference,) = replay_prediction(changed, ports).differences
        assert (difference.path, difference.logged, difference.replayed) == ("$.result.propensity", 1.0, UNSET)


def test_a_unit_shown_as_of_another_variant_is_different(past: Past) -> None:
    entry = next(entry for entry in KINDS["policies"](past, 48) if entry.variant == "treatment")
    changed = replace(entry, variant="control", result={**entry.result, "variant": "control"})
    assert find(replay_prediction(changed, past.ports())) == {
        "$.variant": ("control", "treatment"),
        "$.result.variant": ("control", "treatment"),
    }


def test_what_the_service_met_then_is_taken_as_it_was(past: Past) -> None:
    model, (version,) = past.add("m", CLASSIFICATION, "0", (0.5, 0.01, -0.1))
    past.world.deploy(model, version)
    (entry,) = past.ask("m", {"id": "c1"})
    changed = replace(entry, result={**entry.result, "snapshot_stale": True, "fallback_reason": "version_unavailable"})
    assert replay_prediction(changed, past.ports()).outcome == "same"


def test_what_made_the_score_is_there_without_having_been_asked_for(past: Past) -> None:
    entry = KINDS["trees"](past, 3)[0]
    replay = replay_prediction(entry, past.ports())
    assert "explanation" not in entry.result
    assert not isinstance(replay.explanation, msgspec.UnsetType)
    found = msgspec.to_builtins(replay.explanation)
    assert found["base"] + sum(found["contributions"].values()) == pytest.approx(entry.result["score"], abs=1e-9)
    default = next(entry for entry in KINDS["policies"](past, 48) if entry.result["answered_by"] == "default")
    assert replay_prediction(default, past.ports()).explanation_unavailable == "not_by_model"


class TestImpossible:
    @pytest.fixture
    def entry(self, past: Past) -> PredictionLogEntry:
        return next(entry for entry in KINDS["policies"](past, 48) if entry.variant == "treatment")

    def test_an_entry_of_before_the_basis_was_logged(self, past: Past, entry: PredictionLogEntry) -> None:
        replay = replay_prediction(replace(entry, basis=None), past.ports())
        assert (replay.outcome, replay.reason, replay.differences) == ("impossible", "logged_without_basis", ())

    @pytest.mark.parametrize(
        "changes", [{"versions": MemoryVersionRegistry()}, {"models": MemoryModelRegistry()}, {"experiments": MemoryExperimentStore()}]
    )
    def test_what_is_not_known_any_more(self, past: Past, entry: PredictionLogEntry, changes: dict[str, Any]) -> None:
        replay = replay_prediction(entry, past.ports(**changes))
        assert (replay.outcome, replay.reason) == ("impossible", "not_found")

    @pytest.mark.parametrize("ending", ["model.json", "model.msgpack", "snapshot.json", "features.lmdb"])
    def test_a_file_that_is_gone_is_named(self, past: Past, entry: PredictionLogEntry, ending: str) -> None:
        for objects in (past.world.files.artifacts, past.world.files.lake):
            for key in [key for key in objects if key.endswith(ending)]:
                del objects[key]
        replay = replay_prediction(entry, past.ports())
        assert (replay.outcome, replay.reason) == ("impossible", "file_missing")
        assert ending in (replay.detail or "")

    @pytest.mark.parametrize(
        "changes",
        [
            {"request": {"model": "m", "features": [{"unknown": 1}]}},
            {"request": {"model": "m", "features": []}},
            {"request": {"id": "c1"}},
            {"result": {"prediction": ["f1"]}},
            {"result": {"answered_by": "model", "allocation_version": 0}},
        ],
    )
    def test_an_entry_that_is_none(self, past: Past, entry: PredictionLogEntry, changes: Mapping[str, object]) -> None:
        replay = replay_prediction(replace(entry, **changes), past.ports())
        assert (replay.outcome, replay.reason) == ("impossible", "not_answerable")

    def test_a_store_that_does_not_answer_is_no_outcome(self, past: Past, entry: PredictionLogEntry) -> None:
        files = past.open_files()
        files.down = True
        with pytest.raises(UnavailableError):
            replay_prediction(entry, past.ports(files=files))
