"""What a container writes: lines on stderr, which the platform keeps. `log` is the author's logger."""

import logging
import sys

log = logging.getLogger("pie")
"""For the component and its library; goes to the container's log."""


def set_up(*, debug: bool) -> None:
    """Everything that is logged in this process goes to stderr, a line for each entry; with `debug` from DEBUG on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.INFO)
