"""The gate before every route: password or key, origin, size of the body, HEAD, safe headers."""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tts.serve.errors import ApiError, answer
from tts.serve.settings import Access, Limits

# Anybody may ask whether the server is alive.
OPEN_PATHS = frozenset({"/health"})
# What pages of other sites may be given (`Access.origins`).
OPEN_API = "/v1/"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# A multipart body is a little larger than the file in it.
MULTIPART_SPARE = 64 * 1024
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}


class Gate:
    """ASGI middleware; answers what must not come in, and passes on the rest.

    The body is read here, up to its limit, so that no route ever sees a larger one.
    """

    def __init__(self, app: ASGIApp, access: Access, limits: Limits) -> None:
        self.app, self.access, self.limits = app, access, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        send = _with_safe_headers(send)
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        if not self._may_enter(scope["path"], headers):
            message = "give the user and password, or the API key, of this server"
            challenge = {"WWW-Authenticate": 'Basic realm="CAT-TTS", charset="UTF-8"'}
            await _refuse(scope, 401, message, "unauthorized", challenge)(scope, receive, send)
            return
        if scope["method"] in UNSAFE:
            if not self._fitting_origin(scope["path"], headers):
                message = "this server takes no requests from pages of other sites"
                await _refuse(scope, 403, message, "cross_origin")(scope, receive, send)
                return
            limit = self._body_limit(headers)
            whole = await _read(headers, receive, limit)
            if whole is None:
                message = f"the request is larger than {limit} bytes, which is the limit; send less"
                await _refuse(scope, 413, message, "too_large")(scope, receive, send)
                return
            receive = _replay(whole, receive)
        await self.app(scope, receive, send)

    def _may_enter(self, path: str, headers: Headers) -> bool:
        return self.access.is_open or path in OPEN_PATHS or allowed(headers, self.access)

    def _fitting_origin(self, path: str, headers: Headers) -> bool:
        is_open = path.startswith(OPEN_API) and self.access.lets_in(headers.get("origin", ""))
        return is_open or same_origin(headers)

    def _body_limit(self, headers: Headers) -> int:
        if headers.get("content-type", "").startswith("multipart/"):
            return self.limits.upload_bytes + MULTIPART_SPARE
        return self.limits.body_bytes


def allowed(headers: Headers, access: Access) -> bool:
    """Whether the Authorization header holds what `access` asks for."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return bool(access.api_key) and _same(value.strip(), access.api_key)
    if kind.lower() != "basic":
        return False
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    if access.password and _same(user, access.user) & _same(password, access.password):
        return True
    return bool(access.api_key) and _same(password, access.api_key)


def same_origin(headers: Headers) -> bool:
    """Whether a request comes from this server's own page, or from no page at all."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") != "cross-site"
    return urlsplit(origin).netloc == headers.get("host", "")


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _refuse(
    scope: Scope, status: int, message: str, code: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    return answer(scope, ApiError(status, message, code, **(headers or {})))


def _with_safe_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SAFE_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _without_body(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sending


async def _read(headers: Headers, receive: Receive, limit: int) -> bytes | None:
    """The whole body; None if it is larger than `limit`."""
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > limit:
        return None
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""  # gone; the route will notice
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(whole: bytes, receive: Receive) -> Receive:
    sent = False

    async def receiving() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": whole, "more_body": False}

    return receiving
