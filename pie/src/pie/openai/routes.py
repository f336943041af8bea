"""The routes, for the server's Starlette app."""

from starlette.routing import BaseRoute, Route

from pie.openai.chat_route import ChatRoute
from pie.openai.completions_route import CompletionsRoute
from pie.openai.http import Endpoint, Handle
from pie.openai.models_route import ModelsRoute
from pie.openai.responses_route import ResponsesRoute
from pie.openai.service import OpenAIService


def routes(service: OpenAIService) -> list[BaseRoute]:
    """All routes below `/v1`, and the description of them."""

    def route(path: str, handle: Handle, method: str) -> Route:
        return Route(path, Endpoint(handle, service.credentials), methods=[method], name=f"{method} {path}")

    models, responses = ModelsRoute(service), ResponsesRoute(service)
    return [
        route("/v1/models", models.list, "GET"),
        route("/v1/models/{id:path}", models.one, "GET"),
        route("/v1/chat/completions", ChatRoute(service), "POST"),
        route("/v1/completions", CompletionsRoute(service), "POST"),
        route("/v1/responses", responses.create, "POST"),
        route("/v1/responses/{id}", responses.get, "GET"),
        route("/v1/responses/{id}", responses.delete, "DELETE"),
    ]
