"""What all routes share: the engine, who may ask, and what is counted."""

import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from blake3 import blake3

from pie.auth.credentials import Credentials
from pie.config.config import Config
from pie.engine.engine import Engine
from pie.host.served import ServedModel
from pie.openai.api_error import INVALID, ApiError
from pie.openai.completion import CompletionOptions, Completions, check_length
from pie.openai.constraints import Constraints
from pie.openai.response_store import ResponseStore


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts since the start, but for the first."""

    running: int
    """Requests that are being answered by a model."""
    requests: int
    """Requests that a model has begun to answer."""
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


class OpenAIService:
    """One per server."""

    def __init__(
        self,
        engine: Engine,
        credentials: Credentials,
        config: Config,
        *,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """`now` is in seconds since 1970; `new_id` makes up the ends of ids."""
        self.engine = engine
        self.credentials = credentials
        self.programs = config.openai
        self.limits = config.limits
        self.now = now
        self.new_id = new_id
        self.started_at = int(now())
        self.responses = ResponseStore()
        self.constraints = Constraints()
        self._running = 0
        self._requests = 0
        self._prompt_tokens = 0
        self._cached_tokens = 0
        self._completion_tokens = 0

    def reconfigure(self, config: Config) -> None:
        """Other programs and limits for all requests from now on."""
        self.programs, self.limits = config.openai, config.limits

    @property
    def models(self) -> Mapping[str, ServedModel]:
        return self.engine.models

    def model(self, name: str) -> ServedModel:
        """Raises `ApiError`."""
        model = self.models.get(name)
        if model is None:
            known = ", ".join(self.models)
            raise ApiError(404, f"The model '{name}' does not exist here; there is: {known}", INVALID, "model", "model_not_found")
        return model

    @asynccontextmanager
    async def completions(
        self, model: ServedModel, username: str, prompts: Sequence[Sequence[int]], options: Sequence[Sequence[CompletionOptions]]
    ) -> AsyncIterator[list[Completions]]:
        """Answers being drawn, one `Completions` per prompt; freed and charged to the user at the end. Counts as one process.

        Raises `ApiError`, `PieError`.
        """
        for prompt in prompts:
            check_length(model, len(prompt))
        self.engine.demand_open(username)
        self.engine.quotas.enter(username)
        self._running += 1
        self._requests += 1
        begun = [Completions(model, f"http {self.new_id()}", username, prompt) for prompt in prompts]
        try:
            for completions, how in zip(begun, options, strict=True):
                await completions.begin(how)
            yield begun
        finally:
            self._running -= 1
            self.engine.quotas.leave(username)
            for completions in begun:
                self._settle(completions, username)

    def statistics(self) -> Statistics:
        return Statistics(self._running, self._requests, self._prompt_tokens, self._cached_tokens, self._completion_tokens)

    def _settle(self, completions: Completions, username: str) -> None:
        completions.close()
        self.engine.quotas.charge(username, completions.computed_tokens + completions.completion_tokens)
        self._prompt_tokens += len(completions.prompt)
        self._cached_tokens += completions.cached_tokens
        self._completion_tokens += completions.completion_tokens


def fingerprint(model: ServedModel) -> str:
    """The same as long as the model is: equal requests with equal seeds then give equal answers."""
    return "fp_" + blake3(f"{model.name} {model.loaded.architecture} {model.loaded.folder}".encode()).hexdigest(length=5)
