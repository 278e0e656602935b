"""Errors as pages: what went wrong, what to do, and the number under which it is found in the logs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from presage.runtime.http import note
from presage.runtime.problems import answer_error
from services.backend.pages.rendering import show

ADVICE: Mapping[int, str] = {
    400: "Go back, change what is named above, and send it again.",
    401: "Log in, and try again.",
    403: "Ask an owner or an admin of the workspace to do it, or to give you a role that may.",
    404: "It may have been removed, or the address is of another workspace. Switch the workspace, or look for it in the lists.",
    405: "Open the page from the menu.",
    409: "Look at it as it is now, and decide again.",
    413: "Send less at once; large files go through the upload of a dataset.",
    429: "Wait a moment, and try again.",
    503: "Try again in a moment. If it stays like this, tell whoever runs this installation the number below.",
}
OTHERWISE = "It was logged. Tell whoever runs this installation the number below."


def install(blueprint: Blueprint) -> None:
    """Let errors of the blueprint's views be answered as pages."""
    blueprint.register_error_handler(HTTPException, answer_http_exception)
    blueprint.register_error_handler(Exception, answer_as_page)


def answer_as_page(error: Exception) -> Response:
    """Return the page of an error."""
    problem = answer_error(error, request_id=g.request_id).problem
    note(code=problem.code)
    return _show(problem.status, problem.detail)


def answer_http_exception(error: HTTPException) -> BaseResponse:
    """Return the page of an error that the framework found."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response(request.environ)
    note(code=f"http_{error.code}")
    return _show(error.code, error.description or HTTPStatus(error.code).phrase)


def _show(status: int, detail: str) -> Response:
    title = HTTPStatus(status).phrase
    return show("error.html", status, title=title, detail=detail, advice=ADVICE.get(status, OTHERWISE), request_id=g.request_id)
