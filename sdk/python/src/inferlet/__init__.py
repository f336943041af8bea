"""What a program for Pie imports.

    from inferlet import Context, Model, Sampler, runtime

    async def main(input):
        model = Model.load(runtime.models()[0])
        context = Context(model).system("You are helpful.").user(input["prompt"])
        return await context.generate(Sampler.argmax(), max_tokens=64).collect_text()

Three layers: `Generator` (`context.generate`) produces text, `Forward` (`context.forward`) runs one pass of the model, `Context`
holds what has been computed. Beside them: `chat` (turns and text), `session` (the client), `mcp` (tool servers
beside the client), `runtime` (the engine).
"""

from typing import Any

from inferlet import chat, mcp, runtime, session
from inferlet.context import Context
from inferlet.errors import ContextLimitError, ContextNameTakenError, ContextNotFoundError, HostError, LaterVersionError, McpError
from inferlet.forward import Forward
from inferlet.generation import Generator, GenStep
from inferlet.later import NAMES as _LATER_NAMES
from inferlet.model import Model, Tokenizer
from inferlet.output import Output, ProbeHandle, SampleHandle
from inferlet.probe import Distribution, Entropy, Logits, Logprob, Logprobs
from inferlet.result import set_return
from inferlet.sampler import Sampler

__all__ = [
    "Context",
    "ContextLimitError",
    "ContextNameTakenError",
    "ContextNotFoundError",
    "Distribution",
    "Entropy",
    "Forward",
    "GenStep",
    "Generator",
    "HostError",
    "LaterVersionError",
    "Logits",
    "Logprob",
    "Logprobs",
    "McpError",
    "Model",
    "Output",
    "ProbeHandle",
    "SampleHandle",
    "Sampler",
    "Tokenizer",
    "chat",
    "mcp",
    "runtime",
    "session",
    "set_return",
]


def __getattr__(name: str) -> Any:
    if name in _LATER_NAMES:
        raise LaterVersionError(f"inferlet.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
