"""Who asks. Checked at the edge (API key, process owner); services trust it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    name: str
    """Owns what it makes; prereleases are visible to their owner alone."""
    surface: str = ""
    """`api`, `cli`, …: where the request came from, for the log and the audit."""
    request_id: str = ""


PLATFORM = Actor("platform", "platform")
"""The platform itself: what it does when a deadline passes."""
