"""What benchmarks make of what they measured."""

import json
import os
from pathlib import Path

import pytest

from benchmarks.flatness import compute_trend
from benchmarks.handed_over import count
from benchmarks.load import MeasurementError
from benchmarks.ours import read_answer
from benchmarks.process_tree import list_tree, measure
from benchmarks.rounds import Ratio, compare
from benchmarks.serving import build_line
from presage.experiments.messages import encode_messages
from presage.predictions.messages import encode_call, encode_pointer, pack_calls, read_call, stage_call
from tests.fixtures.logged import entry


def test_a_ratio_is_the_median_of_the_rounds_ratios_with_its_spread() -> None:
    assert compare([10.0, 30.0, 8.0], [10.0, 10.0, 4.0]) == Ratio(2.0, 1.0, 3.0)


def test_the_last_line_has_its_form_and_a_dash_for_who_did_not_run() -> None:
    ratio = Ratio(15.04, 14.0, 16.0)
    ratios = {"rps": {"mlflow": ratio, "fastapi": Ratio(4.2, 4.0, 5.0), "rows100_bentoml": ratio}, "p99": {"mlflow": ratio}, "cpu": {}}

    assert build_line(ratios) == "rps: mlflow=15.0x bentoml=- fastapi=4.2x flask=- rows100_bentoml=15.0x p99: mlflow=15.0x cpu: mlflow=-"


def test_a_level_quantity_with_leaps_has_no_trend_and_a_creeping_one_has() -> None:
    times = [float(second) for second in range(600)]
    leaping = [400.0 + (50.0 if second % 100 == 7 else 0.0) for second in range(600)]
    creeping = [400.0 + 0.05 * second for second in range(600)]

    assert abs(compute_trend(times, leaping).share) < 0.001
    assert compute_trend(times, creeping).growth == pytest.approx(0.05 * 599)


def test_the_tree_of_this_process_is_measured() -> None:
    usage = measure(os.getpid())

    assert os.getpid() == list_tree(os.getpid())[0]
    assert usage.cpu_seconds > 0
    assert 0 < usage.anonymous_bytes <= usage.resident_bytes


def test_an_answer_of_anything_but_the_model_is_no_answer() -> None:
    good, other = {"answered_by": "model", "score": 0.25}, {"answered_by": "baseline"}

    assert read_answer(json.dumps({"results": [good]}).encode()) == [0.25]
    with pytest.raises(MeasurementError, match="baseline"):
        read_answer(json.dumps({"results": [good, other]}).encode())


def write_lines(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_what_was_handed_over_is_counted_wherever_it_went(tmp_path: Path) -> None:
    ids = [entry(number).prediction_id for number in range(4)]
    queued, staged = encode_call([entry(0)]), encode_call([entry(1), entry(1)])
    aside = stage_call(read_call(staged))
    bodies = [message.body for message in pack_calls([read_call(queued)])] + [encode_pointer(aside.staging_key)]
    write_lines(tmp_path / "objects" / "lake" / aside.staging_key, [aside.body.decode()])
    write_lines(tmp_path / "queues" / "predictions", [json.dumps(body.decode()) for body in bodies])
    write_lines(tmp_path / "tables" / "predictions", [json.dumps({"prediction_id": {"S": ids[2]}})])
    assigned = read_call(encode_call([entry(0), entry(1)])).assignments
    write_lines(tmp_path / "queues" / "assignments", [json.dumps(body.decode()) for body in encode_messages(assigned)])
    acknowledged = write_lines(tmp_path / "ids.0", [ids[0], ids[1], ids[3]])

    found = count(tmp_path, [acknowledged])

    assert (found.acknowledged, found.logged, found.assigned) == (3, 3, 2)
    assert (found.log_missing, found.assignments_missing, found.logged_twice, found.unacknowledged) == (1, 1, 1, 1)
