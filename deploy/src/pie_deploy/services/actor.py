"""Who asks. Checked at the edge (API key, process owner); services trust it."""

from dataclasses import dataclass

from pie_deploy.domain.role import Role


@dataclass(frozen=True, slots=True)
class Actor:
    name: str
    """Owns what it makes; prereleases are visible to their owner alone."""
    surface: str = ""
    """`api`, `cli`, …: where the request came from, for the log and the audit."""
    request_id: str = ""
    role: Role = Role.OWNER
    key: str = ""
    """Which of his keys: a stored one's id, `local`, or where a configured one stands. Not its hash: people choose weak keys."""


PLATFORM = Actor("platform", "platform")
"""The platform itself: what it does when a deadline passes."""
