"""Which web pages may talk to a server that asks nobody who he is.

A browser sends requests to a loopback address for any page that asks it to. A page of another site says so in `Origin`; a page
whose name was made to point here (DNS rebinding) has that name in `Host`. Both are refused. Programs send no `Origin`, and call a
server on this machine by an address, or by a name that nobody else can give out.

With authentication none of this is needed: keys are in no cookie, so that a page has nothing to borrow.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether this address or name is that of this machine, for sure."""
    name = host.lower().strip("[]").rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def is_trusted(headers: Mapping[str, str], server_host: str) -> bool:
    """Whether a request without credentials may be served. `headers` are those of the request, names in lower case."""
    host = _name(f"//{headers['host']}") if "host" in headers else server_host  # every browser says it
    if host is None or (is_loopback(server_host) and not _is_ours(host, server_host)):
        return False
    if "origin" not in headers:
        return True
    origin = _name(headers["origin"])
    return origin is not None and (is_loopback(origin) or (origin == host and not is_loopback(server_host)))


def _is_ours(host: str, server_host: str) -> bool:
    """Whether nobody else can have made this name or address point at us."""
    return is_loopback(host) or _address(host) is not None or host == server_host.lower()


def _name(url: str) -> str | None:
    """The host in a URL; None if there is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
