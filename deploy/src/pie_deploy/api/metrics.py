"""Statistics as Prometheus reads them. Pure.

Names follow from where a number stands: `gateway.requests_total` is `pie_deploy_gateway_requests_total`; the keys of a mapping,
such as status classes, are values of the label `kind`. Nothing that a caller chose becomes a name or a label.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_PREFIX = "pie_deploy"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_]")
_COUNTERS = frozenset(
    ("answers", "refusals", "bytes_in", "bytes_out", "callers_gone", "late_messages", "bad_messages", "steps", "planned")
)


def exposition(statistics: Mapping[str, Mapping[str, Any]]) -> str:
    """The text format, version 0.0.4, of the statistics of each part."""
    return "".join(
        f"{line}\n"
        for part, fields in statistics.items()
        for field, value in fields.items()
        for line in _family(f"{_PREFIX}_{_name(part)}_{_name(field)}", _kind(field), value)
    )


def _family(name: str, kind: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        samples = [(f'{{kind="{_label(str(key))}"}}', one) for key, one in value.items() if isinstance(one, int | float)]
    else:
        samples = [("", value)] if isinstance(value, int | float) else []
    if samples:
        yield f"# TYPE {name} {kind}"
        yield from (f"{name}{labels} {float(one):g}" for labels, one in samples)


def _kind(field: str) -> str:
    is_counter = field.endswith("_total") or field in _COUNTERS
    return "counter" if is_counter else "gauge"


def _name(text: str) -> str:
    return _NOT_IN_NAMES.sub("_", text.lower())


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
