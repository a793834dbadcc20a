"""Errors as answers: one clear message each, in the form that OpenAI's clients read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope

from tts.serve.fairqueue import QueueFullError

log = logging.getLogger(__name__)

_CODES = {
    "EmptyTextError": "empty_text",
    "LimitError": "too_long",
    "MarkupError": "wrong_markup",
    "UnknownVoiceError": "unknown_voice",
    "VoiceError": "voice",
    "UploadError": "recording",
    "OutputError": "storage",
}
_MAX_SHOWN = 300
_JSON = "application/json"
LANGUAGE_HEADER = "x-language"


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, code: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, headers


def body(message: str, code: str, status: int, param: str | None = None) -> dict[str, Any]:
    """The JSON of an error, as OpenAI's API writes it."""
    kinds = {401: "authentication_error", 429: "rate_limit_error", 503: "server_busy"}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def as_api_error(error: Exception, retry_after_s: int = 1) -> ApiError:
    """What to answer where `error` came up; what is not the user's doing becomes a plain 500."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, QueueFullError):
        status, code = (503, "server_busy") if error.whole else (429, "too_many_requests")
        return ApiError(status, str(error), code, **{"Retry-After": str(retry_after_s)})
    if isinstance(error, ValueError):
        code = _CODES.get(type(error).__name__, "invalid_value")
        return ApiError(400, _shortened(str(error)), code)
    return ApiError(500, "something went wrong inside the server; its log says more", "internal")


def _shortened(message: str) -> str:
    """A message that quotes something endless keeps its beginning and its end."""
    if len(message) <= 2 * _MAX_SHOWN:
        return message
    return f"{message[:_MAX_SHOWN]} … {message[-_MAX_SHOWN:]}"


def words_for(scope: Scope, error: ApiError) -> str:
    """Its message, in the language that the page asks for where the application has a page."""
    tell = getattr(scope["app"].state, "tell", None)
    return tell(error, Headers(scope=scope).get(LANGUAGE_HEADER, "")) if tell else error.message


def answer(scope: Scope, error: ApiError, param: str | None = None) -> JSONResponse:
    """The response that tells an error to whoever sent the request of `scope`."""
    content = body(words_for(scope, error), error.code, error.status, param)
    return JSONResponse(content, error.status, headers=error.headers)


def validation_message(error: RequestValidationError) -> tuple[str, str]:
    """(message, name of the field) of the first thing that is wrong with a request."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] == "extra_forbidden":
        return f"unknown field {where[:60]!r}; leave it out", where[:60]
    if first["type"] == "json_invalid":
        return f"the body is not valid JSON ({first.get('ctx', {}).get('error', '')})", ""
    more = len(error.errors()) - 1
    rest = f" (and {more} more)" if more else ""
    return f"{where or 'the body'}: {first['msg']}{rest}"[:_MAX_SHOWN], where[:60]


def _is_json(data: object) -> bool:
    """Whether a body that was not read as JSON is a JSON object."""
    return isinstance(data, bytes) and data.lstrip()[:1] == b"{"


def _said_kind(kind: str) -> str:
    return f"its Content-Type is {kind[:60]!r}" if kind else "it has no Content-Type"


def install(app: FastAPI, retry_after_s: Callable[[], int]) -> None:
    """Make `app` answer errors this way."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        kind = request.headers.get("content-type", "")
        if _is_json(error.body) and "json" not in kind:
            message = f"the body is JSON, but {_said_kind(kind)}; send Content-Type: {_JSON}"
            return answer(request.scope, ApiError(415, message, "content_type"))
        message, field = validation_message(error)
        return answer(request.scope, ApiError(400, message, "invalid_request"), field or None)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http")
        headers = dict(error.headers or {})
        wrong = ApiError(error.status_code, str(error.detail), code, **headers)
        return answer(request.scope, wrong)

    async def known(request: Request, error: Exception) -> JSONResponse:
        return answer(request.scope, as_api_error(error, retry_after_s()))

    async def unknown(request: Request, error: Exception) -> JSONResponse:
        log.error("a request failed", exc_info=error)
        return answer(request.scope, as_api_error(error))

    for kind in (ApiError, QueueFullError, ValueError):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(Exception, unknown)
