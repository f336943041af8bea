"""What is asked of the gateway: the token, and what follows it. Pure."""

from dataclasses import dataclass

from pie_deploy.gateway.routing import Target

_PREFIX = b"/f/"


@dataclass(frozen=True, slots=True)
class Asked:
    token: bytes
    """Its digest."""
    target: Target
    path: str
    """What follows the token, percent-encoded as it came."""


def split(raw_path: bytes) -> tuple[bytes, str] | None:
    """(token, path behind it) of `/f/<token>/…`; None: that is something else."""
    if not raw_path.startswith(_PREFIX):
        return None
    token, slash, rest = raw_path[len(_PREFIX) :].partition(b"/")
    return (token, (slash + rest).decode("latin-1") or "/") if token else None
