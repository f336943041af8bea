"""What clients may send, as typed structs: bodies of the routes, decoded and checked at once.

Parameters that neither Pie nor OpenAI knows are refused, as OpenAI does. Those of OpenAI's that change nothing here (`user`,
`metadata`, …) are taken and ignored. Those that would change the answer and that Pie has nothing for are listed in `REFUSED`; their
default values are taken. In messages and items unknown fields are ignored: clients send back what other servers gave them.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from pie.limits import OPENAI_CHOICES_MAX, OPENAI_STOP_TEXT_CHARACTERS_MAX, OPENAI_STOP_TEXTS_MAX, OPENAI_TOOLS_MAX

_Penalty = Annotated[float, Meta(ge=-2, le=2)] | None
_Count = Annotated[int, Meta(ge=1, le=1 << 31)] | None
_StopText = Annotated[str, Meta(max_length=OPENAI_STOP_TEXT_CHARACTERS_MAX)]
Ignored = Any
"""The type of parameters that are taken and change nothing."""
Refused = Any
"""The type of parameters that are refused unless they say what would be done anyway."""

# --- Tools and formats ------------------------------------------------------------------------------------------------

_Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9_-]+$")]


class Function(Struct, frozen=True):
    """A function that the model may call."""

    name: _Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Struct, frozen=True):
    type: Literal["function"]
    function: Function


class FlatTool(Struct, frozen=True):
    """A tool as `/v1/responses` writes it."""

    type: Literal["function"]
    name: _Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionName(Struct, frozen=True):
    name: str


class NamedChoice(Struct, frozen=True):
    type: Literal["function"]
    function: FunctionName


class FlatNamedChoice(Struct, frozen=True):
    type: Literal["function"]
    name: str


class JsonSchema(Struct, frozen=True):
    name: str
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class ResponseFormat(Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class FlatFormat(Struct, frozen=True):
    """A format as `/v1/responses` writes it."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


# --- Messages ---------------------------------------------------------------------------------------------------------


class Part(Struct, frozen=True):
    """A part of a message. Only text is supported; other types are refused by name."""

    type: str
    text: str | None = None
    refusal: str | None = None


Content = str | list[Part]


class CalledFunction(Struct, frozen=True):
    name: str
    arguments: str


class ToolCall(Struct, frozen=True):
    id: str
    function: CalledFunction
    type: Literal["function"] = "function"


class ChatMessage(Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None


# --- Bodies -----------------------------------------------------------------------------------------------------------


class StreamOptions(Struct, frozen=True):
    include_usage: bool | None = None
    include_obfuscation: Ignored = None


class Sampled(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all bodies share."""

    model: str
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0, le=1 << 30)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    seed: Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Ignored = None
    metadata: Ignored = None
    safety_identifier: Ignored = None
    service_tier: Ignored = None
    prompt_cache_key: Ignored = None
    prompt_cache_options: Ignored = None
    prompt_cache_retention: Ignored = None
    moderation: Refused = None


class Stopped(Sampled, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the two completion routes share."""

    n: Annotated[int, Meta(ge=1, le=OPENAI_CHOICES_MAX)] | None = None
    stop: _StopText | Annotated[list[_StopText], Meta(max_length=OPENAI_STOP_TEXTS_MAX)] | None = None
    frequency_penalty: _Penalty = None
    presence_penalty: _Penalty = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None

    @property
    def stop_texts(self) -> list[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop or []


class ChatRequest(Stopped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `/v1/chat/completions`."""

    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    max_tokens: _Count = None
    max_completion_tokens: _Count = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: Annotated[list[Tool], Meta(max_length=OPENAI_TOOLS_MAX)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    store: Ignored = None
    prediction: Ignored = None
    reasoning_effort: Ignored = None
    verbosity: Ignored = None
    audio: Refused = None
    modalities: Refused = None
    functions: Refused = None
    function_call: Refused = None
    web_search_options: Refused = None


class CompletionRequest(Stopped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `/v1/completions`."""

    prompt: str | list[str | int | list[int]]
    """A text, texts, tokens, or several lists of tokens."""
    max_tokens: _Count = None
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    best_of: Annotated[int, Meta(ge=1, le=OPENAI_CHOICES_MAX)] | None = None
    suffix: Refused = None


class TextOptions(Struct, frozen=True):
    format: FlatFormat | None = None
    verbosity: Ignored = None


class InputItem(Struct, frozen=True):
    """An item of a `/v1/responses` input: a message, a function call or its output, or the model's own reasoning."""

    type: Literal["message", "function_call", "function_call_output", "reasoning", "item_reference"] = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: Content | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: Content | None = None


class ResponseRequest(Sampled, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `/v1/responses`."""

    input: str | list[InputItem] | None = None
    instructions: str | None = None
    max_output_tokens: _Count = None
    previous_response_id: str | None = None
    store: bool | None = None
    text: TextOptions | None = None
    tools: Annotated[list[FlatTool], Meta(max_length=OPENAI_TOOLS_MAX)] | None = None
    tool_choice: Literal["none", "auto", "required"] | FlatNamedChoice | None = None
    parallel_tool_calls: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    metadata: dict[str, str] | None = None
    include: list[str] | None = None
    reasoning: Ignored = None
    truncation: Literal["auto", "disabled"] | None = None
    max_tool_calls: Ignored = None
    background: Refused = None
    conversation: Refused = None
    prompt: Refused = None
    context_management: Refused = None
