"""What people send by forms: read into types, and shown again with what is wrong and nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, get_origin

import msgspec
from flask import g, request
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidInputError,
    PresageError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)
from presage.runtime.problems import answer_error

BodyT = TypeVar("BodyT")
TOLD = (InvalidInputError, AlreadyExistsError, ConflictError, RateLimitedError, UnauthenticatedError, UnavailableError)
"""What is said beside the form; everything else is a page of its own."""


def read_form(body_type: type[BodyT]) -> BodyT:
    """Return the form's fields as `body_type` (a struct); an empty field counts as one that is not there. Tuples are of fields named alike.

    Raises:
        InvalidInputError: A field is missing or has another type; `path` is `$.<field>`.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(body_type)}  # type: ignore[arg-type] # of a struct
    given: dict[str, object] = {}
    for name in request.form:
        values = [value.strip() for value in request.form.getlist(name) if value.strip()]
        if values:
            given[name] = values if name in fields and get_origin(fields[name].type) is tuple else values[-1]
    try:
        return msgspec.convert(given, body_type, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        missing = message.partition("required field ")[2].strip("`")
        raise InvalidInputError(
            f"{missing.replace('_', ' ')} is missing" if missing else message, path=f"$.{missing}" if missing else path.strip("`") or None
        ) from error


def answer_form(act: Callable[[], BaseResponse], show_again: Callable[[PresageError], BaseResponse]) -> BaseResponse:
    """Return what `act` answers or, if it refuses what was sent, the form again with its error and the error's status."""
    try:
        return act()
    except TOLD as error:
        response = show_again(error)
        response.status_code = answer_error(error, request_id=g.request_id).problem.status
        return response
