"""What a caller can ask for: each takes an actor, checks, records, wakes the controller. Synchronous and thread-safe.

The services themselves are imported when they are asked for: a command line that only wants `services.views` starts without them.
"""

from typing import TYPE_CHECKING, Any

from pie_deploy.services.actor import Actor

if TYPE_CHECKING:
    from pie_deploy.services.assembly import Services, assemble
    from pie_deploy.services.wakeup import Wakeup

__all__ = ["Actor", "Services", "Wakeup", "assemble"]


def __getattr__(name: str) -> Any:
    if name in ("Services", "assemble"):
        from pie_deploy.services import assembly

        return getattr(assembly, name)
    if name == "Wakeup":
        from pie_deploy.services.wakeup import Wakeup

        return Wakeup
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
