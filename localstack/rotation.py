"""What Secrets Manager does for RotateSecret and the emulator only claims: it has the secret's function do the four steps.

Runs inside the emulator, so it imports nothing but the standard library; the emulator's module is handed in.
Nothing here looks at a clock: a secret is rotated when somebody asks, never by its schedule.
"""

import http.client
import json
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_PENDING = "AWSPENDING"
_LOG = logging.getLogger("localstack.rotation")

Properties = dict[str, Any]
Invoke = Callable[[str, Mapping[str, str]], str]


class Rotation:
    """RotateSecret, and the schedule that names a secret's function, on the emulator's module of Secrets Manager."""

    def __init__(self, secrets_manager: Any, invoke: Invoke, *, save: Callable[[], None]) -> None:  # noqa: ANN401 - a module of the emulator
        """`invoke` calls a function by its ARN with an event, and returns what went wrong, empty if nothing did.

        `save` keeps the emulator's state: a crash must not bring back a password that the database no longer takes.
        """
        self._manager = secrets_manager
        self._invoke = invoke
        self._save = save

    def rotate(self, request: Properties) -> Any:  # noqa: ANN401 - a response in the emulator's form
        """Start a rotation and answer at once, as AWS does; what comes of it shows in the versions of the secret."""
        secret = self._find(request.get("SecretId"))
        if not secret or secret.get("DeletedDate"):
            message = "Secrets Manager can't find the specified secret."
            return self._manager.error_response_json("ResourceNotFoundException", message, 400)
        function = request.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
        if not function:
            message = "No Lambda rotation function ARN is associated with this secret."
            return self._manager.error_response_json("InvalidRequestException", message, 400)
        configure(secret, function, request.get("RotationRules") or secret.get("RotationRules"))
        answer = {"ARN": secret["ARN"], "Name": secret["Name"]}
        if request.get("RotateImmediately", True):
            answer["VersionId"] = self._start(secret, str(request.get("ClientRequestToken") or uuid.uuid4()), str(function))
        return self._manager.json_response(answer)

    def create_schedule(self, logical_id: str, properties: Properties, _stack: str) -> tuple[str, dict[str, str]]:
        """Note the function at the secret that the properties of a rotation schedule name.

        Raises:
            ValueError: There is no such secret.
        """
        secret = self._find(properties["SecretId"])
        if not secret:
            raise ValueError(f"{logical_id} rotates {properties['SecretId']}, which does not exist")
        configure(secret, properties["RotationLambdaARN"], properties.get("RotationRules"))
        return secret["ARN"], {"Id": secret["ARN"]}

    def delete_schedule(self, identity: str, _properties: Properties) -> None:
        """Forget the function of a secret that is still there."""
        secret = self._find(identity)
        if secret:
            secret |= {"RotationEnabled": False, "RotationLambdaARN": None, "RotationRules": None}

    def _find(self, secret_id: Any) -> Properties | None:  # noqa: ANN401 - text, or nothing
        found: Properties | None = self._manager._resolve(secret_id)[1]  # noqa: SLF001 - it offers no other way to the secret itself
        return found

    def _start(self, secret: Properties, token: str, function: str) -> str:
        """Go on with a rotation that has not ended, else begin one with a version that has no value yet."""
        unfinished = [token for token, version in secret["Versions"].items() if version["Stages"] == [_PENDING]]
        if unfinished:
            token = unfinished[0]
        else:
            for version in secret["Versions"].values():
                version["Stages"] = [stage for stage in version["Stages"] if stage != _PENDING]
            secret["Versions"][token] = {"SecretString": None, "SecretBinary": None, "CreatedDate": 0, "Stages": [_PENDING]}
        threading.Thread(target=self._do_steps, args=(secret["ARN"], token, function), name=f"rotation-{token}").start()
        return token

    def _do_steps(self, arn: str, token: str, function: str) -> None:
        for step in STEPS:
            failure = self._invoke(function, {"Step": step, "SecretId": arn, "ClientRequestToken": token})
            self._save()
            if failure:
                _LOG.error("rotation of %s ended at %s: %s", arn, step, failure)
                return


def configure(secret: Properties, function: str, rules: object) -> None:
    """Let the secret be rotated by the function."""
    secret |= {"RotationEnabled": True, "RotationLambdaARN": function, "RotationRules": rules}


def invoke_function(port: int, arn: str, event: Mapping[str, str]) -> str:
    """Invoke a function of the emulator on the loopback port; return what went wrong, empty if nothing did."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", f"/2015-03-31/functions/{arn.rpartition(':')[2]}/invocations", json.dumps(event))
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()
    failed = answer.status != http.client.OK or answer.getheader("X-Amz-Function-Error")
    return f"{answer.status} {body}" if failed else ""
