"""Frames: a message to bytes and back. What cannot be decoded says as much as can be read of it."""

from typing import Final

import msgspec

from pie_wire.errors import FrameError
from pie_wire.limits import FRAME_BYTES_MAX
from pie_wire.messages import ClientMessage, McpResponse, Message, ServerMessage

_encoder: Final = msgspec.msgpack.Encoder()
_client_messages: Final[msgspec.msgpack.Decoder[ClientMessage]] = msgspec.msgpack.Decoder(ClientMessage)
_server_messages: Final[msgspec.msgpack.Decoder[ServerMessage]] = msgspec.msgpack.Decoder(ServerMessage)


class _Glimpse(msgspec.Struct):
    """What can be read of any frame that is a map."""

    type: object = None
    corr_id: object = None


_glimpses: Final = msgspec.msgpack.Decoder(_Glimpse)


def encode(message: Message) -> bytes:
    return _encoder.encode(message)


def decode_client_message(frame: bytes) -> ClientMessage:
    """Raises `FrameError`, with the frame's `corr_id` where it has one."""
    if len(frame) > FRAME_BYTES_MAX:
        raise FrameError(f"the frame is larger than {FRAME_BYTES_MAX} bytes", _corr_id(frame))
    try:
        return _client_messages.decode(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(str(error), _corr_id(frame)) from error


def decode_server_message(frame: bytes) -> ServerMessage:
    """Raises `FrameError`."""
    try:
        return _server_messages.decode(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(str(error), _corr_id(frame)) from error


def _corr_id(frame: bytes) -> int | None:
    """None also for an answer to the reader's own question: its number is not for answering."""
    try:
        glimpse = _glimpses.decode(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    corr_id = None if glimpse.type == McpResponse.__struct_config__.tag else glimpse.corr_id
    return corr_id if type(corr_id) is int and 0 <= corr_id < 1 << 32 else None
