"""Connecting to a socket that lies in a folder which a container may write."""

import asyncio
import os


async def connected(address: str, protocol: asyncio.Protocol) -> asyncio.Transport:
    """Connect to `ipc://PATH`. Raises OSError, also when there is no socket or nobody listens.

    A container could put a link to another's socket there, which it cannot reach but we can: it would be answered in that one's
    name. So the last part of the path is not followed, and what was looked at is what is connected to.
    """
    descriptor = os.open(address.removeprefix("ipc://"), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        # The kernel takes no symbolic link for a socket, nor anything else. The loop makes the socket itself: of one that it is
        # given, uvloop closes the descriptor twice when the peer hangs up at once. By then it may be another's, and libuv aborts.
        path = f"/proc/self/fd/{descriptor}"
        transport, _ = await asyncio.get_running_loop().create_unix_connection(lambda: protocol, path)
    finally:
        os.close(descriptor)
    return transport
