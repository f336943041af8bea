"""What every request passes before it is routed: which pages may ask, who asks, under which id, how long the body may take.

host and origin ▶ request id ▶ API key ▶ body in time ▶ routes
                                  └──────── again and again, as long as something goes on
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pie_deploy.api.refusals import STATUSES, error_body, headers_of
from pie_deploy.errors import DeployError, ForbiddenError
from pie_deploy.limits import API_BODY_IDLE_S, API_KEY_LOOK_S
from pie_deploy.services.actor import Actor

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Authenticate = Callable[[str | None], Awaitable[Actor]]
"""Turns an API key into who that is. Raises UnauthenticatedError."""

ACTOR = "pie.actor"
"""Where the scope has who asks."""

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/schema/openapi.json"})
"""Answered without a key: they tell nothing that a user has put in."""

EVERYBODY = "everybody"
"""What a route says that needs no permission."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Entrance:
    def __init__(
        self, application: Application, authenticate: Authenticate, is_welcome: Callable[[Mapping[str, str]], bool]
    ) -> None:
        """`is_welcome` tells from the headers whether who shows no key may be answered at all."""
        self._application = application
        self._authenticate = authenticate
        self._is_welcome = is_welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})  # before it was accepted: the handshake is refused
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = _request_id(headers.get("x-request-id"))
        answer = _stamped(send, request_id)
        try:
            key = _key(headers.get("authorization"))
            if key is None and not self._is_welcome(headers):
                raise ForbiddenError("without an API key this is not for web pages of other sites")
            if scope["path"] not in OPEN_PATHS:
                actor = await self._authenticate(key)
                scope[ACTOR] = replace(actor, request_id=request_id)
                receive = self._as_long_as_known(receive, key, actor)
        except DeployError as error:
            await _refuse(answer, error)
            return
        await self._application(scope, _timely(receive), answer)

    def _as_long_as_known(self, receive: Receive, key: str | None, actor: Actor) -> Receive:
        """Whoever is no longer who he was when he asked is as good as a caller who has gone: streams end, bodies are not whole.
        Nothing is done for requests that are answered at once.
        """
        loop = asyncio.get_running_loop()
        look_s = loop.time() + API_KEY_LOOK_S

        async def receive_if_known() -> Message:
            nonlocal look_s
            while True:
                if loop.time() >= look_s:
                    if not await self._is_still(key, actor):
                        return {"type": "http.disconnect"}
                    look_s = loop.time() + API_KEY_LOOK_S
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(look_s):
                        return await receive()

        return receive_if_known

    async def _is_still(self, key: str | None, actor: Actor) -> bool:
        try:
            return await self._authenticate(key) == actor
        except DeployError as error:  # also when it cannot be found out
            log.warning("what %s asked for with key %s ends: %s", actor.name, actor.key, error)
            return False


def _key(authorization: str | None) -> str | None:
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def _request_id(given: str | None) -> str:
    return given if given and _REQUEST_ID.fullmatch(given) else f"q-{secrets.token_hex(8)}"


def _stamped(send: Send, request_id: str) -> Send:
    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"x-request-id", request_id.encode())]}
        await send(message)

    return send_with_id


def _timely(receive: Receive) -> Receive:
    """A body whose pieces come without long pauses; one that does not is as good as a caller who has gone."""
    is_whole = False

    async def receive_in_time() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout(API_BODY_IDLE_S):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        is_whole = not message.get("more_body", False)
        return message

    return receive_in_time


async def _refuse(send: Send, error: DeployError) -> None:
    body = error_body(error.code, error.message, error.details, error.hint)
    headers = {"content-type": "application/json", "content-length": str(len(body)), **headers_of(error.code)}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": STATUSES[error.code], "headers": pairs})
    await send({"type": "http.response.body", "body": body})
