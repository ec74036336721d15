"""What stands before an application over HTTP: who asks, how much, and how many at once; refusals in OpenAI's shape.

An ASGI application around another. Where there are keys all but health and readiness asks for one. A body is read
whole, up to the limit, before the application sees the request, so that a slow sender holds no place in an engine.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import json
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reasonflux.errors import BadInput
from reasonflux.serving import HttpLimits

KEYS = "REASONFLUX_API_KEYS"  # keys that clients may use, with commas between; in every node's environment
OPEN = ("/health", "/ready")  # without a key: for probes, which are told nothing else
BODY_DEADLINE_S = 60.0
ASK_DEADLINE_S = 30.0
Admit = Callable[[], AbstractAsyncContextManager[Mapping[str, str]]]  # held while a request runs; headers to tell


class Refusal(Exception):
    """A request that is not answered: the status and the words that its client gets."""

    def __init__(self, status: int, code: str, message: str, *, param: str | None = None, retry_after_s: int = 0):
        super().__init__(status, code, message)
        self.status = status
        self.headers = {"retry-after": str(retry_after_s)} if retry_after_s else {}
        kinds = {401: "authentication_error", 429: "rate_limit_error"}
        kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}

    @property
    def response(self) -> JSONResponse:
        """As any client of OpenAI's reads it."""
        return JSONResponse(self.body, status_code=self.status, headers=self.headers)

    @property
    def event(self) -> str:
        """As an event of a stream that has begun."""
        return f"data: {json.dumps(self.body)}\n\n"


def api_keys(host: str | None) -> tuple[str, ...]:
    """The keys of this process's environment; raises `BadInput` where there are none and others reach `host`."""
    keys = tuple(key.strip() for key in os.environ.get(KEYS, "").split(",") if key.strip())
    if not keys and host is not None and not _loopback(host):
        raise BadInput(
            f"{host} can be reached from other machines, and {KEYS} holds no key",
            f'Set it on every node: export {KEYS}="$(openssl rand -hex 32)"; or http_options.host=127.0.0.1',
        )
    return keys


def proxy_address() -> tuple[str, int] | None:
    """Host and port where this cluster's Serve listens; None where it has no proxies."""
    import ray
    from ray.serve.config import ProxyLocation
    from ray.serve.context import _get_global_client

    client: Any = _get_global_client()
    location = ray.get(client._controller.get_proxy_location.remote(), timeout=ASK_DEADLINE_S)
    http = client.http_config
    return None if location == ProxyLocation.Disabled else (http.host, http.port)


def keys_here() -> tuple[str, ...]:
    """The keys of a replica; raises `BadInput` where others reach its proxies and there is none."""
    address = proxy_address()
    return api_keys(address and address[0])


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class AccessControl:
    """`app` behind keys and limits. `admit` is entered before a POST goes on; it may raise `Refusal`."""

    def __init__(self, app: Any, limits: HttpLimits, keys: Collection[str], admit: Admit) -> None:
        self._app: ASGIApp = app
        self.routes = app.routes  # Serve names them in its metrics
        self._limits, self._admit = limits, admit
        self._keys = [_hashed(key) for key in keys]  # of one length, so that comparing tells nothing of theirs
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if path not in OPEN and not self._known(Headers(scope=scope)):
                raise Refusal(401, "invalid_api_key", "No API key that this server knows: Authorization: Bearer KEY")
            if scope["method"] == "POST":
                await self._post(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        except Refusal as refusal:  # raised before the application has begun to answer
            await refusal.response(scope, receive, send)

    def _known(self, headers: Headers) -> bool:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        given = _hashed(key.strip())
        matches = [hmac.compare_digest(given, known) for known in self._keys]  # all of them, whichever fits
        return not matches or (scheme.lower() == "bearer" and any(matches))

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit, wait = self._limits.concurrent, self._limits.retry_after_s
        if self._inside >= limit:
            what = f"{limit} requests are in hand here; come again in {wait} s"
            raise Refusal(429, "rate_limit_exceeded", what, retry_after_s=wait)
        self._inside += 1
        try:
            body = await self._body(Headers(scope=scope), receive)
            async with self._admit() as told:
                await self._app(scope, _again(body, receive), _telling(told, send))
        finally:
            self._inside -= 1

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        most = self._limits.body_bytes
        refusal = Refusal(413, "request_too_large", f"A body has at most {most:,} bytes here")
        if int(headers.get("content-length") or 0) > most:
            raise refusal
        body, more = bytearray(), True
        try:
            async with asyncio.timeout(BODY_DEADLINE_S):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refusal(400, "incomplete_body", "The body ended early")
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > most:
                        raise refusal
        except TimeoutError:
            raise Refusal(408, "body_timeout", f"The body was not there after {BODY_DEADLINE_S:g} s") from None
        return bytes(body)


def _hashed(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, then what comes after it: the client's leaving."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _telling(told: Mapping[str, str], send: Send) -> Send:
    """Adds headers to the answer."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(told)
        await send(message)

    return tell
