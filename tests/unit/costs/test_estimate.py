"""The cost estimate: complete for the stages' templates, exact on a template small enough to sum by hand."""

import re
from typing import Any

import pytest

from costs.__main__ import DOCUMENT, at_rest, render
from costs.estimate import PRICES, USAGE, Line, estimate, find_reason, list_unpriced
from tests.fixtures.synthesis import read_synthesis

TOLERANCE = 0.1
TWO_ZONES = {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}


def template(*resources: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"Resources": {f"R{number}": {"Type": name, "Properties": properties} for number, (name, properties) in enumerate(resources)}}


def estimate_stage(stage: str) -> list[Line]:
    return estimate(list(read_synthesis(stage).templates.values()), USAGE[stage])


@pytest.mark.parametrize("stage", ["local", "staging", "production"])
def test_every_resource_type_has_a_price_or_a_reason_for_having_none(stage: str) -> None:
    assert list_unpriced(list(read_synthesis(stage).templates.values())) == []


@pytest.mark.parametrize("stage", USAGE)
def test_clusters_cost_by_the_hour_as_the_application_does(stage: str) -> None:
    lines = estimate(list(read_synthesis(stage, "spark_nodes=2").templates.values()), USAGE[stage])

    (hours,) = (line.quantity for line in lines if line.service == "EMR")
    assert hours == next(line.quantity for line in estimate_stage(stage) if line.item == "Spark vCPU hour")
    assert "EMRServerless" not in {line.service for line in lines}


def test_no_type_has_both_a_price_and_a_reason() -> None:
    assert {name: find_reason(name) for name in PRICES["charges"] if find_reason(name)} == {}


def test_a_type_nobody_thought_of_stops_the_estimate() -> None:
    with pytest.raises(ValueError, match="neither a price nor a reason for AWS::Braket::QuantumTask"):
        estimate([template(("AWS::Braket::QuantumTask", {}))], USAGE["staging"])


def test_a_size_without_a_price_stops_the_estimate() -> None:
    huge = template(("AWS::RDS::DBInstance", {"DBInstanceClass": "db.x9.huge", "AllocatedStorage": "20"}))
    with pytest.raises(ValueError, match=r"no price for 'db\.x9\.huge'"):
        estimate([huge], USAGE["staging"])


def test_prices_are_multiplied_by_sizes_and_added_up() -> None:
    database = {"DBInstanceClass": "db.t4g.small", "AllocatedStorage": "20", "MultiAZ": True}
    lines = estimate(
        [template(("AWS::EC2::VPCEndpoint", TWO_ZONES), ("AWS::EC2::VPCEndpoint", TWO_ZONES), ("AWS::RDS::DBInstance", database))],
        {"backup_gb": 0},
    )

    assert {line.item: pytest.approx(line.usd) for line in lines} == {
        "interface endpoint hour in a zone": 2 * 2 * 730 * 0.01,
        "database hour": 730 * 2 * 0.032,
        "GB of gp3": 20 * 2 * 0.115,
        "GB of backups beyond the size of the database": 0,
    }


def test_what_a_stage_uses_is_charged_once_however_many_resources_share_it() -> None:
    queues = template(("AWS::SQS::Queue", {}), ("AWS::SQS::Queue", {}))
    assert [line.usd for line in estimate([queues, queues], {"queue_requests": 1_000_000})] == [pytest.approx(0.4)]


def test_production_costs_more_than_staging_and_both_cost_something_at_rest() -> None:
    staging, production = estimate_stage("staging"), estimate_stage("production")

    assert 0 < at_rest(staging) < sum(line.usd for line in staging) < sum(line.usd for line in production)
    assert [line.quantity for line in production if line.item == "NAT gateway hour"] == [3 * 730]


def test_the_document_is_of_these_templates() -> None:
    stages = {stage: estimate_stage(stage) for stage in USAGE}
    written, now = (read_totals(text) for text in (DOCUMENT.read_text(), render(stages)))

    assert written == pytest.approx(now, rel=TOLERANCE), "templates, prices or usage have changed: run `make costs`"


def read_totals(document: str) -> list[float]:
    row = next(line for line in document.splitlines() if line.startswith("| **total**"))
    return [float(number.replace(",", "")) for number in re.findall(r"[\d,]+", row)]
