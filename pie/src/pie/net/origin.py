"""Where a browser's connection comes from.

Without authentication, any web page that a user of this machine looks at could talk to a server on loopback: browsers let pages open
WebSockets to anywhere. They say so in the header `Origin`.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit


def is_foreign(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a web page that was not served from this machine is behind the connection. Other programs send no `Origin`."""
    return any(name.lower() == b"origin" and not _is_local(value) for name, value in headers)


def _is_local(origin: bytes) -> bool:
    try:
        host = urlsplit(origin.decode("ascii")).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
