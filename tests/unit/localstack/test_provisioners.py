import json
from pathlib import Path

import pytest

from localstack.provisioners import Handler, Provisioners, Surroundings, complete_containers, complete_identity, create_mysql_database

ENVIRONMENT = "AWS::ElasticBeanstalk::Environment"


@pytest.fixture
def registry(tmp_path: Path) -> dict[str, Handler]:
    surroundings = Surroundings(
        resources=tmp_path,
        region="us-east-1",
        mariadb={"host": "127.0.0.1", "port": 1, "user": "u", "password": "p"},
        postgres_url="postgresql://nowhere",
        postgres_port=5433,
        beanstalk_urls={"WebServer": "http://127.0.0.1:8082"},
    )
    registry: dict[str, Handler] = {"AWS::EC2::EIP": {"create": "the emulator's own"}}
    Provisioners(surroundings).register(registry, {})
    return registry


def test_a_type_that_the_emulator_knows_keeps_its_own_handler(registry: dict[str, Handler]) -> None:
    assert registry["AWS::EC2::EIP"] == {"create": "the emulator's own"}


def test_an_unknown_type_stays_unknown(registry: dict[str, Handler]) -> None:
    assert "AWS::Nothing::Such" not in registry


def test_option_settings_are_recorded_privately_and_the_endpoint_is_the_local_one(registry: dict[str, Handler], tmp_path: Path) -> None:
    settings = [{"Namespace": "n", "OptionName": "o", "Value": "v"}]

    identity, attributes = registry[ENVIRONMENT]["create"]("Web", {"OptionSettings": settings, "Tier": {"Name": "WebServer"}}, "Stack")

    record = tmp_path / f"AWS-ElasticBeanstalk-Environment.{identity}.json"
    assert json.loads(record.read_text())["properties"]["OptionSettings"] == settings
    assert record.stat().st_mode & 0o077 == 0
    assert attributes == {"EndpointURL": "http://127.0.0.1:8082"}


def test_the_same_place_in_a_stack_keeps_its_id_and_deleting_removes_the_record(registry: dict[str, Handler], tmp_path: Path) -> None:
    first, _ = registry[ENVIRONMENT]["create"]("Web", {}, "Stack")
    second, _ = registry[ENVIRONMENT]["update"](first, {}, {"Description": "new"}, "Stack", "Web")
    other, _ = registry[ENVIRONMENT]["create"]("Web", {}, "Other")

    registry[ENVIRONMENT]["delete"](first, {})

    assert first == second != other
    assert [path.name for path in tmp_path.iterdir()] == [f"AWS-ElasticBeanstalk-Environment.{other}.json"]


def test_an_attribute_that_needs_a_missing_property_fails_the_resource(registry: dict[str, Handler]) -> None:
    with pytest.raises(KeyError, match="PolicyName"):
        registry["AWS::ApplicationAutoScaling::ScalingPolicy"]["create"]("P", {}, "Stack")


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Engine": "oracle-ee"}, "Engine is 'oracle-ee'"),
        ({"Engine": "mysql", "MasterUsername": "u"}, "MasterUserPassword, DBName"),
    ],
)
def test_a_database_that_mariadb_cannot_stand_for_is_refused(properties: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        create_mysql_database({}, properties)


def test_a_mail_identity_has_three_dkim_records() -> None:
    handler = complete_identity({"create": lambda *_: ("example.com", {"EmailIdentity": "example.com"}), "delete": print})

    identity, attributes = handler["create"]("Identity", {}, "Stack")

    names = {attributes[f"DkimDNSTokenName{number}"] for number in (1, 2, 3)}
    assert identity == "example.com"
    assert len(names) == 3
    assert all(name.endswith("._domainkey.example.com") for name in names)


@pytest.mark.parametrize("value", ["name", "arn:aws:secretsmanager:us-east-1:000000000000:secret:name"])
def test_secrets_by_name_or_arn_and_health_checks_of_containers_survive(value: str) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:name"
    declared = [
        {"Name": "c", "Secrets": [{"Name": "TOKEN", "ValueFrom": value}], "HealthCheck": {"Command": ["CMD", "true"], "StartPeriod": 60}}
    ]

    completed = complete_containers([{"name": "c", "secrets": [{}], "healthCheck": {}}], declared, region="us-east-1")

    assert completed == [
        {"name": "c", "secrets": [{"name": "TOKEN", "valueFrom": arn}], "healthCheck": {"command": ["CMD", "true"], "startPeriod": 60}}
    ]
