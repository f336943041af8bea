"""Which requests may be a web page's: none of another site. The API's key keeps them out as well; this keeps them from asking."""

from collections.abc import Mapping
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_welcome(headers: Mapping[str, str]) -> bool:
    """By `Origin`, which browsers send and pages cannot change; programs send none."""
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).hostname in LOOPBACK_NAMES
    except ValueError:
        return False
