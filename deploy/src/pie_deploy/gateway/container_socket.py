"""Connecting to a socket that lies in a folder which a container may write."""

import asyncio
import os
import socket


async def connected(address: str, protocol: asyncio.Protocol) -> asyncio.Transport:
    """Connect to `ipc://PATH`. Raises OSError, also when there is no socket or nobody listens.

    A container could put a link to another's socket there, which it cannot reach but we can: it would be answered in that one's
    name. So the last part of the path is not followed, and what was looked at is what is connected to.
    """
    descriptor = os.open(address.removeprefix("ipc://"), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    connecting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        # The kernel takes no symbolic link for a socket, nor anything else. This does not wait: it is done, or an error.
        connecting.connect(f"/proc/self/fd/{descriptor}")
        transport, _ = await asyncio.get_running_loop().create_unix_connection(lambda: protocol, sock=connecting)
    except BaseException:
        connecting.close()
        raise
    finally:
        os.close(descriptor)
    return transport
