"""The histories as parameters of Systems Manager, one a stage."""

from typing import TYPE_CHECKING

from delivery.history import History, Stage, decode, encode

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient


class ParameterHistory:
    """Keeps each stage's moves below `/presage/releases`."""

    def __init__(self, client: "SSMClient") -> None:
        self._client = client

    def get_history(self, stage: Stage) -> History:
        """Return the moves, oldest first."""
        try:
            return decode(self._client.get_parameter(Name=_name(stage))["Parameter"]["Value"])
        except self._client.exceptions.ParameterNotFound:
            return ()

    def put_history(self, stage: Stage, history: History) -> None:
        """Replace the moves."""
        self._client.put_parameter(Name=_name(stage), Value=encode(history), Type="String", Overwrite=True)


def _name(stage: Stage) -> str:
    return f"/presage/releases/{stage}"
