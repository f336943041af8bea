"""Who is at the other end of a unix socket, on the kernel's word."""

import socket
import struct

_CREDENTIALS = struct.Struct("3i")


def peer_uid(connection: socket.socket) -> int:
    _, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(uid)
