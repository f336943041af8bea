"""What a caller can ask for: each takes an actor, checks, records, wakes the controller. Synchronous and thread-safe."""

from pie_deploy.services.actor import Actor
from pie_deploy.services.assembly import Services, assemble
from pie_deploy.services.wakeup import Wakeup

__all__ = ["Actor", "Services", "Wakeup", "assemble"]
