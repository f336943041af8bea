"""Frames on a stream: four bytes of length, big-endian, then a msgpack struct."""

import asyncio

import msgspec

from pie_deploy.limits import SUPERVISOR_FRAME_BYTES_MAX

_LENGTH_BYTES = 4


class FrameError(Exception):
    """What came is no frame: the other side is broken or not what it should be."""


def frame(message: msgspec.Struct) -> bytes:
    payload = msgspec.msgpack.encode(message)
    return len(payload).to_bytes(_LENGTH_BYTES, "big") + payload


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame's payload; None when the other side has ended. Raises FrameError for a frame above the bound or cut off."""
    try:
        size_bytes = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
        if size_bytes > SUPERVISOR_FRAME_BYTES_MAX:
            raise FrameError(f"a frame of {size_bytes} bytes")
        return await reader.readexactly(size_bytes)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise FrameError("a frame that was cut off") from error
        return None
    except ConnectionError:
        return None
