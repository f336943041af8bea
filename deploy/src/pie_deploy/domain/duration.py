"""Durations in Go's notation: `90m`, `1h30m`, `1.5h`, `300ms`, `-2s`, `0`."""

import re

from pie_deploy.errors import InvalidArgumentError
from pie_deploy.limits import DURATION_CHARACTERS_MAX

UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, micro sign
    "μs": 1_000,  # U+03BC, Greek mu
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}

_TERM = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?P<unit>ns|us|µs|μs|ms|s|m|h)")
_LONGEST_NS = (1 << 63) - 1


def parse_duration(text: str) -> int:
    """Nanoseconds, as Go's `time.ParseDuration` reads them: a sign, then sums of decimal numbers with units; a bare `0` is fine.

    What lies below a nanosecond is cut off. Raises InvalidArgumentError for anything else, and beyond 292 years.
    """
    if len(text) > DURATION_CHARACTERS_MAX:
        raise InvalidArgumentError(f"a duration has at most {DURATION_CHARACTERS_MAX} characters")
    sign, rest = (-1 if text.startswith("-") else 1), text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    total = 0 if rest == "0" else _sum_ns(text, rest)
    if total > _LONGEST_NS:
        raise InvalidArgumentError(f"duration {text!r} is too long")
    return sign * total


def format_duration(duration_ns: int) -> str:
    """As Go prints it: `1h30m0s`, `1.5s`, `300ms`, `0s`."""
    sign, left = ("-" if duration_ns < 0 else ""), abs(duration_ns)
    if left == 0:
        return "0s"
    for unit in ("ns", "µs", "ms"):
        if left < UNITS_NS[unit] * 1000:
            return f"{sign}{_decimal(left, UNITS_NS[unit])}{unit}"
    hours, left = divmod(left, UNITS_NS["h"])
    minutes, left = divmod(left, UNITS_NS["m"])
    seconds = f"{_decimal(left, UNITS_NS['s'])}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _sum_ns(text: str, rest: str) -> int:
    total, position = 0, 0
    while position < len(rest) or not rest:
        term = _TERM.match(rest, position)
        if term is None or not (term["whole"] or term["fraction"]):
            raise InvalidArgumentError(f"{text!r} is not a duration such as 90m, 1h30m, 45s or 300ms")
        unit_ns, fraction = UNITS_NS[term["unit"]], term["fraction"] or ""
        total += int(term["whole"] or "0") * unit_ns + int(fraction or "0") * unit_ns // 10 ** len(fraction)
        position = term.end()
    return total


def _decimal(value: int, unit: int) -> str:
    whole, fraction = divmod(value, unit)
    digits = str(fraction).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
