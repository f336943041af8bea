"""`/v1/keys`: API keys that the platform keeps."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post
from litestar.params import JSONBody, QueryParameter

from pie_deploy.api.messages import CreateKey, Items, Ref
from pie_deploy.api.provided import Actor, Services
from pie_deploy.domain.role import Permission
from pie_deploy.services.views import KeyView, MadeKey

AllUsers = Annotated[bool, QueryParameter(name="all", description="Also those of other users; for owners.")]
UNKEPT = {"cache-control": "no-store"}


class KeyRoutes(Controller):
    path = "/v1/keys"

    @get(permission=Permission.MAKE_KEYS, sync_to_thread=True)
    def list(self, services: Services, actor: Actor, all_users: AllUsers = False) -> Items[KeyView]:
        """Yours, oldest first; also expired ones, for a while."""
        return Items([*services.keys.list(actor, all_users=all_users)])

    @post(permission=Permission.MAKE_KEYS, sync_to_thread=True)
    def create(self, services: Services, actor: Actor, data: JSONBody[CreateKey]) -> Response[MadeKey]:
        """Make a key that is no stronger than the one you ask with, and ends no later. It is shown in this answer only."""
        made = services.keys.create(actor, data.role, name=data.name, expires=data.expires, user=data.user)
        return Response(made, headers=UNKEPT)

    @delete("/{ref:str}", permission=Permission.MAKE_KEYS, status_code=200, sync_to_thread=True)
    def revoke(self, services: Services, actor: Actor, ref: Ref) -> Items[KeyView]:
        """By id or name: it is nobody's any more, and so are those that were made with it. Answers all that were revoked."""
        return Items([*services.keys.revoke(actor, ref)])
