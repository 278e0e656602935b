"""The public API over HTTP, asked from the server's side with a key that a person gave."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import urllib3

from presage.errors import UnavailableError
from presage.predictions.api_answer import ApiAnswer

SECONDS = 5.0


class HttpPredictionApi:
    """`PredictionApi` at one address, which an operator configured. Redirects are not followed: the key goes nowhere else."""

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        """Take where the API is; nothing is connected."""
        self._url = f"{url.rstrip('/')}/v1/predict"
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=seconds))
        self._seconds = seconds

    def predict(self, request: Mapping[str, object], *, key: str) -> ApiAnswer:
        """Return the answer to one call.

        Raises:
            UnavailableError: Nothing whole was answered in time. Its message has neither the key nor the request.
        """
        headers = {"content-type": "application/json", "accept": "application/json", "x-api-key": key}
        body = msgspec.json.encode(request)
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=headers, redirect=False)
        except (urllib3.exceptions.HTTPError, ValueError):  # a header's fault would be told with the key in it
            raise UnavailableError(f"The public API at {self._url} gave no whole answer within {self._seconds:g} s") from None
        return ApiAnswer(answer.status, _decode(answer.data))


def _decode(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
