"""The routes, for the server's Starlette app."""

from collections.abc import Callable

from starlette.routing import BaseRoute, Route

from pie.config.config import OpenAIConfig
from pie.openai.chat_route import ChatRoute
from pie.openai.completions_route import CompletionsRoute
from pie.openai.dresses import ChatDress, CompletionDress, Kind, ResponseDress, dress
from pie.openai.http import Endpoint, Exchange, Handle
from pie.openai.models_route import ModelsRoute
from pie.openai.override import Override
from pie.openai.responses_route import ResponsesRoute
from pie.openai.schema import openapi
from pie.openai.service import OpenAIService
from pie.openai.unknown import Unknown


def routes(service: OpenAIService) -> list[BaseRoute]:
    """All routes below `/v1`, and `/openapi.json` which describes them."""
    models, responses = ModelsRoute(service), ResponsesRoute(service)
    chat = _overridable(service, ChatRoute(service), lambda programs: programs.chat_completions, ChatDress)
    completions = _overridable(service, CompletionsRoute(service), lambda programs: programs.completions, CompletionDress)
    respond = _overridable(service, responses.create, lambda programs: programs.responses, ResponseDress)
    handles: list[tuple[str, str, Handle]] = [
        ("GET", "/v1/models", models.list),
        ("GET", "/v1/models/{id:path}", models.one),
        ("POST", "/v1/chat/completions", chat),
        ("POST", "/v1/completions", completions),
        ("POST", "/v1/responses", respond),
        ("GET", "/v1/responses/{id}", responses.get),
        ("DELETE", "/v1/responses/{id}", responses.delete),
    ]
    made: list[BaseRoute] = [Route("/openapi.json", Endpoint(_describe, None), methods=["GET"])]
    made += [
        Route(path, Endpoint(handle, service.credentials, lambda: service.limits), methods=[method])
        for method, path, handle in handles
    ]
    return [*made, Unknown(made)]


def _overridable(service: OpenAIService, built_in: Handle, program: Callable[[OpenAIConfig], str], kind: Kind) -> Handle:
    """The built-in route, or the program that the configuration names at this moment."""

    async def handle(exchange: Exchange) -> None:
        target = program(service.programs)
        answer = Override(service, target, dress(kind, service)) if target else built_in
        await answer(exchange)

    return handle


async def _describe(exchange: Exchange) -> None:
    await exchange.reply(openapi())
