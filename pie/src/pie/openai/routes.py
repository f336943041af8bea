"""The routes, for the server's Starlette app."""

from starlette.routing import BaseRoute, Route

from pie.openai.chat_route import ChatRoute
from pie.openai.completions_route import CompletionsRoute
from pie.openai.dresses import ChatDress, CompletionDress, ResponseDress, dress
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
    handles: list[tuple[str, str, Handle]] = [
        ("GET", "/v1/models", models.list),
        ("GET", "/v1/models/{id:path}", models.one),
        ("POST", "/v1/chat/completions", _chat(service)),
        ("POST", "/v1/completions", _completions(service)),
        ("POST", "/v1/responses", _responses(service, responses)),
        ("GET", "/v1/responses/{id}", responses.get),
        ("DELETE", "/v1/responses/{id}", responses.delete),
    ]
    made: list[BaseRoute] = [Route("/openapi.json", Endpoint(_describe, None), methods=["GET"])]
    made += [
        Route(path, Endpoint(handle, service.credentials, service.limits), methods=[method]) for method, path, handle in handles
    ]
    return [*made, Unknown(made)]


def _chat(service: OpenAIService) -> Handle:
    program = service.programs.chat_completions
    return Override(service, program, dress(ChatDress, service)) if program else ChatRoute(service)


def _completions(service: OpenAIService) -> Handle:
    program = service.programs.completions
    return Override(service, program, dress(CompletionDress, service)) if program else CompletionsRoute(service)


def _responses(service: OpenAIService, built_in: ResponsesRoute) -> Handle:
    program = service.programs.responses
    return Override(service, program, dress(ResponseDress, service)) if program else built_in.create


async def _describe(exchange: Exchange) -> None:
    await exchange.reply(openapi())
