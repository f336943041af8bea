"""Statistics as Prometheus reads them. Pure.

Names follow from where a number stands: `gateway.requests_total` is `pie_deploy_gateway_requests_total`; the keys of a mapping,
such as status classes, are values of the label `kind`. Nothing that a caller chose becomes a name or a label.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_PREFIX = "pie_deploy"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_]")
_COUNTERS = ("_total", "bytes_in", "bytes_out", "steps", "planned", "callers_gone", "late_messages", "bad_messages")


def exposition(statistics: Mapping[str, Any]) -> str:
    """The text format, version 0.0.4."""
    return "".join(f"{line}\n" for name, value in statistics.items() for line in _lines(f"{_PREFIX}_{_name(name)}", value))


def _lines(name: str, value: object) -> Iterator[str]:
    if isinstance(value, bool | int | float):
        yield f"# TYPE {name} {_kind(name)}"
        yield f"{name} {float(value):g}"
    elif (
        isinstance(value, Mapping)
        and value
        and all(isinstance(one, bool | int | float) for one in value.values())
        and _is_table(value)
    ):
        yield f"# TYPE {name} {_kind(name)}"
        for key, one in value.items():
            yield f'{name}{{kind="{_label(str(key))}"}} {float(one):g}'
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _lines(f"{name}_{_name(str(key))}", one)


def _is_table(value: Mapping[str, Any]) -> bool:
    """Whether the keys are words for kinds, not names of fields: `answers`, `refusals`."""
    return not all(str(key).isidentifier() for key in value) or all(str(key).islower() for key in value)


def _kind(name: str) -> str:
    return "counter" if name.endswith(_COUNTERS) else "gauge"


def _name(text: str) -> str:
    return _NOT_IN_NAMES.sub("_", text.lower())


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
