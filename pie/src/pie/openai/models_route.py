"""`/v1/models`."""

from pie.host.served import ServedModel
from pie.openai.chat_chunks import Json, encode
from pie.openai.http import Exchange
from pie.openai.service import OpenAIService


class ModelsRoute:
    """The list, and each model of it."""

    def __init__(self, service: OpenAIService) -> None:
        self._service = service

    async def list(self, exchange: Exchange) -> None:
        models = [self._described(model) for model in self._service.models.values()]
        await exchange.reply(encode({"object": "list", "data": models}))

    async def one(self, exchange: Exchange) -> None:
        await exchange.reply(encode(self._described(self._service.model(exchange.path_params["id"]))))

    def _described(self, model: ServedModel) -> Json:
        return {
            "id": model.name,
            "object": "model",
            "created": self._service.started_at,
            "owned_by": "pie",
            "context_window": model.scheduler.limits.context_max,
        }
