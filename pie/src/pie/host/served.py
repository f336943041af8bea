"""A model that is loaded and being served: its files, its scheduler."""

from dataclasses import dataclass

from pie.host.long_text import TextDesk
from pie.model.model import LoadedModel
from pie.sched.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class ServedModel:
    """Also the guest's resource `model`; all guests share the one object."""

    loaded: LoadedModel
    scheduler: Scheduler
    texts: TextDesk

    @property
    def name(self) -> str:
        return self.loaded.name
