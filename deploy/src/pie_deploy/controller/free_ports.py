"""Free loopback ports for the endpoints of commands."""

import random
import socket
from collections.abc import Collection

from pie_deploy.errors import LauncherError
from pie_deploy.limits import PORT_FIRST, PORT_LAST


def free_ports(count: int, taken: Collection[int], chance: random.Random) -> list[int]:
    """Ports that nobody listens at now and that are not among `taken`. Raises LauncherError when there are too few."""
    start = chance.randrange(PORT_FIRST, PORT_LAST + 1)
    found: list[int] = []
    for offset in range(PORT_LAST + 1 - PORT_FIRST):
        if len(found) == count:
            break
        port = PORT_FIRST + (start - PORT_FIRST + offset) % (PORT_LAST + 1 - PORT_FIRST)
        if port not in taken and _is_free(port):
            found.append(port)
    if len(found) < count:
        raise LauncherError(f"no {count} ports are free between {PORT_FIRST} and {PORT_LAST}")
    return found


def require_free(ports: Collection[int]) -> None:
    """Raises LauncherError for one that somebody listens at: what is to be started would fail, and its callers would reach that
    somebody.
    """
    for port in ports:
        if not _is_free(port, is_own=True):
            raise LauncherError(f"port {port} was taken by another program")


def _is_free(port: int, *, is_own: bool = False) -> bool:
    """is_own: connections to who listened there before may still be closing."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if is_own:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
