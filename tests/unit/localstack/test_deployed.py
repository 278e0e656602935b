import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from localstack.deployed import Deployed
from localstack.program import StartError

ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:name-AbCdEf"
SECRETS = {ARN: json.dumps({"username": "u", "password": "p"})}
PROCFILE = b"web: gunicorn --bind 127.0.0.1:8000 'services.backend.app:create()'\n"


class FakeClient:
    """What the reader asks of Secrets Manager, S3 and ECS."""

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        return {"SecretString": SECRETS[SecretId]}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, io.BytesIO]:  # noqa: N803 - boto3's names
        assert (Bucket, Key) == ("assets", "bundle.zip")
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("Procfile", PROCFILE)
        return {"Body": io.BytesIO(content.getvalue())}

    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        container = {
            "command": ["serve", taskDefinition],
            "environment": [{"name": "PLAIN", "value": "1"}],
            "secrets": [{"name": "PASSWORD", "valueFrom": f"{ARN}:password::"}, {"name": "WHOLE", "valueFrom": ARN}],
        }
        return {"taskDefinition": {"containerDefinitions": [container]}}


class FakeDeployed(Deployed):
    """The reader over fake clients."""

    def client(self, service: str) -> FakeClient:
        assert service in {"secretsmanager", "s3", "ecs"}
        return FakeClient()


def test_a_task_gets_plain_values_whole_secrets_and_single_keys(tmp_path: Path) -> None:
    service = FakeDeployed("http://emulator", resources=tmp_path).task("trainer")

    assert service.command == ("serve", "trainer")
    assert service.environment == {"PLAIN": "1", "PASSWORD": "p", "WHOLE": SECRETS[ARN]}


def test_a_beanstalk_environment_gets_its_option_settings_and_its_bundles_command(tmp_path: Path) -> None:
    record(tmp_path, "ApplicationVersion", "v1", {"SourceBundle": {"S3Bucket": "assets", "S3Key": "bundle.zip"}})
    record(tmp_path, "Environment", "web", {"VersionLabel": "v1", "OptionSettings": [
        setting("aws:elasticbeanstalk:application:environment", "PLAIN", "1"),
        setting("aws:elasticbeanstalk:application:environmentsecrets", "CREDENTIALS", ARN),
        setting("aws:elasticbeanstalk:sqsd", "WorkerQueueURL", "http://queue"),
    ]})  # fmt: skip

    service = FakeDeployed("http://emulator", resources=tmp_path).beanstalk("web")

    assert zipfile.ZipFile(io.BytesIO(service.bundle)).namelist() == ["Procfile"]
    assert service.command == ("gunicorn", "--bind", "127.0.0.1:8000", "services.backend.app:create()")
    assert service.environment == {"PLAIN": "1", "CREDENTIALS": SECRETS[ARN]}
    assert service.options["aws:elasticbeanstalk:sqsd", "WorkerQueueURL"] == "http://queue"


def test_an_environment_that_is_not_deployed_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="AWS::ElasticBeanstalk::Environment web is not deployed"):
        FakeDeployed("http://emulator", resources=tmp_path).beanstalk("web")


def record(folder: Path, kind: str, identity: str, properties: dict[str, Any]) -> None:
    (folder / f"AWS-ElasticBeanstalk-{kind}.{identity}.json").write_text(json.dumps({"properties": properties}))


def setting(namespace: str, name: str, value: str) -> dict[str, str]:
    return {"Namespace": namespace, "OptionName": name, "Value": value}
