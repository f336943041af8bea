"""What a container writes: lines on stderr, which the platform keeps. `log` is the author's logger."""

import logging
import sys
from collections.abc import Sequence

_TRACED_IDS_MAX = 8

log = logging.getLogger("pie")
"""For the component and its library; goes to the container's log."""


def set_up(*, debug: bool) -> None:
    """Everything that is logged in this process goes to stderr, a line for each entry; with `debug` from DEBUG on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.INFO)


def trace(correlations: Sequence[int], size_bytes: int) -> str:
    """What a container that is debugged says of a batch: how many, how large, for which requests. Never the values."""
    ids = [correlation for correlation in correlations[:_TRACED_IDS_MAX] if correlation]
    return f"{len(correlations)} messages, {size_bytes} bytes" + (f", requests {ids}" if ids else "")
