"""A request's body, bounded in size and in how long it may take to come."""

import asyncio
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from pie.limits import SERVER_BODY_BYTES_MAX, SERVER_BODY_TIMEOUT_S


def bounded(receive: Receive, content_length: str | None) -> Receive:
    """`receive` for an application that reads the whole body. Raises `HTTPException`, here or while receiving."""
    if content_length is not None and content_length.isdecimal() and int(content_length) > SERVER_BODY_BYTES_MAX:
        raise _too_large()
    taken = 0
    is_whole = False

    async def receive_bounded() -> Message:
        nonlocal taken, is_whole
        if is_whole:  # what comes now is that the client has gone, whenever that is
            return await receive()
        try:
            async with asyncio.timeout(SERVER_BODY_TIMEOUT_S):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the body took too long") from error
        taken += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if taken > SERVER_BODY_BYTES_MAX:
            raise _too_large()
        return message

    return receive_bounded


def _too_large() -> HTTPException:
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body may have {SERVER_BODY_BYTES_MAX} bytes at most")
