"""Sizes of memory and bodies as people write them: `256MiB`, `1.5GB`, `800 KiB`."""

import re

from pie_deploy.errors import InvalidArgumentError

_UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}
_SIZE = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))? ?([A-Za-z]{1,3})\Z", re.ASCII)


def parse_size(text: str) -> int:
    """Bytes, rounded down. Raises InvalidArgumentError: the unit is part of a size, and case matters as in the list of units."""
    match = _SIZE.match(text)
    unit = _UNITS.get(match[3]) if match else None
    if match is None or unit is None:
        raise InvalidArgumentError(f"{text[:40]!r} is not a size; write a number and one of {', '.join(_UNITS)}")
    whole, fraction = match[1], match[2] or ""
    return int(whole + fraction) * unit // int(10 ** len(fraction))


def format_size(size_bytes: int) -> str:
    """The shortest exact form with a binary unit, so that `parse_size` gives the same number back."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size_bytes and size_bytes % _UNITS[unit] == 0:
            return f"{size_bytes // _UNITS[unit]}{unit}"
    return f"{size_bytes}B"
