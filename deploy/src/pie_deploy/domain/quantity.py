"""Amounts of memory as people write them: `64MiB`, `1.5GB`, `1024B`."""

import re

from pie_deploy.errors import InvalidArgumentError
from pie_deploy.limits import MEMORY_BYTES_MAX

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?\s?(B|KB|MB|GB|KiB|MiB|GiB)")


def parse_bytes(text: str) -> int:
    """Bytes of an amount with a unit. Raises InvalidArgumentError."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise InvalidArgumentError(f"{text[:80]!r} is not an amount such as 64MiB or 1.5GB")
    whole, fraction, unit = int(match[1]), match[2] or "", _UNITS[match[3]]
    size_bytes: int = whole * unit + int(fraction or "0") * unit // 10 ** len(fraction)
    if size_bytes > MEMORY_BYTES_MAX:
        raise InvalidArgumentError(f"{text} is more than {MEMORY_BYTES_MAX >> 40} TiB")
    return size_bytes
