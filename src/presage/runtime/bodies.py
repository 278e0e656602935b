"""JSON bodies of requests and messages, decoded into the types that are expected."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from presage.errors import InvalidInputError

ValueT = TypeVar("ValueT")
_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}


def decode_json(body: bytes, body_type: type[ValueT]) -> ValueT:
    """Return `body` decoded into `body_type`.

    Raises:
        InvalidInputError: It is not JSON or not of that type; `path` says where.
    """
    try:
        decoded: ValueT = _decoder(body_type).decode(body)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        raise InvalidInputError(message, path=place.rstrip("`") or "$") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"The body is not valid JSON: {error}", path="$") from error
    except RecursionError as error:
        raise InvalidInputError("The body is nested too deeply", path="$") from error
    return decoded


def _decoder(body_type: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type is no Hashable to mypy, so no functools.cache
    decoder = _DECODERS.get(body_type)
    if decoder is None:
        decoder = _DECODERS[body_type] = msgspec.json.Decoder(body_type)
    return decoder
