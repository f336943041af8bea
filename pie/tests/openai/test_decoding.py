"""Bodies become requests, and what is wrong with them has a name."""

import pytest

from pie.openai.api_error import ApiError
from pie.openai.decoding import REFUSED, decode
from pie.openai.requests import ChatRequest, CompletionRequest, ResponseRequest, Sampled

CHAT = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]'


def refusal(body: bytes, kind: type[Sampled] = ChatRequest) -> ApiError:
    with pytest.raises(ApiError) as raised:
        decode(body, kind)
    assert raised.value.status == 400
    return raised.value


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b'{"messages": []}', "messages", "invalid_value"),
        (b'{"model": "m"}', "messages", "missing_required_parameter"),
        (CHAT + b', "tmperature": 1}', "tmperature", "unknown_parameter"),
        (CHAT + b', "n": 0}', "n", "invalid_value"),
        (b'{"model": "m", "messages": [{"content": "Hi"}]}', "messages[0].role", "missing_required_parameter"),
        (CHAT + b', "tools": [{"type": "function", "function": {"name": "a b"}}]}', "tools[0].function.name", "invalid_value"),
        (b'{"model": "m"', None, "invalid_json"),
        (b'"model"', None, "invalid_value"),
        (CHAT + b', "audio": {}}', "audio", "unsupported_parameter"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, param: str | None, code: str) -> None:
    error = refusal(body)
    assert (error.param, error.code) == (param, code)


def test_null_is_as_good_as_nothing() -> None:
    request = decode(CHAT + b', "temperature": null, "stop": null, "tools": null, "audio": null}', ChatRequest)
    assert request == decode(CHAT + b"}", ChatRequest)


def test_messages_may_hold_what_other_servers_have_put_there() -> None:
    assert decode(b'{"model": "m", "messages": [{"role": "assistant", "content": "", "annotations": []}]}', ChatRequest).messages


def test_what_is_refused_is_a_parameter_of_some_route() -> None:
    names = {name for kind in (ChatRequest, CompletionRequest, ResponseRequest) for name in kind.__struct_fields__}
    assert set(REFUSED) <= names


def test_a_stored_prompt_is_refused_but_a_completions_prompt_is_not() -> None:
    assert refusal(b'{"model": "m", "input": "x", "prompt": {"id": "p"}}', ResponseRequest).param == "prompt"
    assert decode(b'{"model": "m", "prompt": "x"}', CompletionRequest).prompt == "x"
