"""The catalogue of named types. Read only."""

from collections.abc import Sequence

from pie_deploy.domain.suggestion import hint
from pie_deploy.errors import NotFoundError
from pie_deploy.services.actor import Actor
from pie_deploy.services.views import TypeView
from pie_flow.catalogue import CATALOGUE


class Types:
    def list(self, actor: Actor) -> Sequence[TypeView]:
        """By name."""
        return [_view(name) for name in CATALOGUE.names]

    def show(self, actor: Actor, name: str) -> TypeView:
        """Raises NotFoundError."""
        if name not in CATALOGUE.names:
            raise NotFoundError(f"there is no type {name[:80]!r}", hint=hint(name, CATALOGUE.names))
        return _view(name)


def _view(name: str) -> TypeView:
    found = CATALOGUE.definition(name)
    return TypeView(
        name=name, parameters=found.parameters, definition=str(found.type), domain=found.domain, description=found.summary
    )
