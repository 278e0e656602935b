"""RotateSecret at the emulator: what is refused, and in which order the function is called."""

from collections.abc import Mapping
from threading import Event
from typing import Any

from localstack.rotation import STEPS, Rotation, configure


class Manager:
    """The emulator's module of Secrets Manager: one secret, and answers as they are."""

    def __init__(self) -> None:
        self.secret: dict[str, Any] = {"ARN": "arn:s", "Name": "s", "Versions": {"v1": {"SecretString": "{}", "Stages": ["AWSCURRENT"]}}}

    def _resolve(self, secret_id: str) -> tuple[str, dict[str, Any] | None]:
        return secret_id, self.secret if secret_id in {"s", "arn:s"} else None

    def json_response(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        return answer

    def error_response_json(self, kind: str, _message: str, _status: int) -> str:
        return kind


class Function:
    """Notes its events, and fails at one step if told to."""

    def __init__(self, failing: str = "") -> None:
        self.events: list[Mapping[str, str]] = []
        self.ended = Event()
        self._failing = failing

    def __call__(self, _arn: str, event: Mapping[str, str]) -> str:
        self.events.append(event)
        failure = "broken" if event["Step"] == self._failing else ""
        if failure or event["Step"] == STEPS[-1]:
            self.ended.set()
        return failure


def rotate(manager: Manager, function: Function, **request: Any) -> Any:  # noqa: ANN401 - the API's
    answer = Rotation(manager, function, save=lambda: None).rotate({"SecretId": "s", **request})
    if isinstance(answer, dict) and "VersionId" in answer:
        assert function.ended.wait(10)
    return answer


def test_an_unknown_secret_and_one_without_a_function_are_refused() -> None:
    assert rotate(Manager(), Function(), SecretId="other") == "ResourceNotFoundException"
    assert rotate(Manager(), Function()) == "InvalidRequestException"


def test_the_function_is_called_with_each_step_in_turn_for_a_version_without_a_value() -> None:
    manager, function = Manager(), Function()
    configure(manager.secret, "arn:f", None)

    answer = rotate(manager, function)

    token = answer["VersionId"]
    assert [event["Step"] for event in function.events] == list(STEPS)
    assert {(event["SecretId"], event["ClientRequestToken"]) for event in function.events} == {("arn:s", token)}
    assert manager.secret["Versions"][token]["Stages"] == ["AWSPENDING"]
    assert manager.secret["Versions"][token]["SecretString"] is None


def test_a_failed_step_ends_the_rotation_and_the_next_one_goes_on_with_its_version() -> None:
    manager, function, again = Manager(), Function(failing="setSecret"), Function()
    configure(manager.secret, "arn:f", None)

    failed = rotate(manager, function)["VersionId"]

    assert [event["Step"] for event in function.events] == ["createSecret", "setSecret"]
    assert rotate(manager, again)["VersionId"] == failed


def test_a_schedule_alone_rotates_nothing() -> None:
    manager, function = Manager(), Function()
    rotation = Rotation(manager, function, save=lambda: None)

    identity, _ = rotation.create_schedule("Schedule", {"SecretId": "s", "RotationLambdaARN": "arn:f", "RotationRules": {}}, "Stack")
    assert rotation.rotate({"SecretId": "s", "RotateImmediately": False}) == {"ARN": "arn:s", "Name": "s"}

    assert manager.secret["RotationEnabled"] is True
    assert function.events == []
    rotation.delete_schedule(identity, {})
    assert manager.secret["RotationEnabled"] is False
