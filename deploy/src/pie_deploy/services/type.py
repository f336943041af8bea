"""The catalogue of named types. Read only."""

from collections.abc import Sequence

from pie_deploy.services.actor import Actor
from pie_deploy.services.views import TypeView


class Types:
    def list(self, actor: Actor) -> Sequence[TypeView]:
        """By name."""
        raise NotImplementedError

    def show(self, actor: Actor, name: str) -> TypeView:
        """Raises NotFoundError."""
        raise NotImplementedError
