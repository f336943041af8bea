"""Everything else below `/v1`: answered in OpenAI's shape too."""

from collections.abc import MutableMapping, Sequence
from typing import Any

from starlette.routing import BaseRoute, Match, NoMatchFound

from pie.openai.api_error import ApiError
from pie.openai.http import Exchange, Receive, Send


class Unknown(BaseRoute):
    """The last of the routes: takes what no other one did."""

    def __init__(self, known: Sequence[BaseRoute]) -> None:
        self._known = known

    def matches(self, scope: MutableMapping[str, Any]) -> tuple[Match, dict[str, Any]]:
        is_ours = scope["type"] == "http" and scope["path"].startswith("/v1/")
        return (Match.FULL if is_ours else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        await Exchange(scope, send).refuse(self._error(scope))

    def _error(self, scope: MutableMapping[str, Any]) -> ApiError:
        tried = f"{scope['method']} {scope['path']}"
        if any(route.matches(scope)[0] is Match.PARTIAL for route in self._known):
            return ApiError(405, f"{tried}: not with this method", code="method_not_allowed")
        return ApiError(404, f"{tried}: there is no such route; /openapi.json lists those there are", code="unknown_url")
