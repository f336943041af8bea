"""Logprobs in the shapes of the three routes. Pure."""

from collections.abc import Sequence
from typing import Any

from pie.model.tokenizer import Tokenizer
from pie.openai.completion import Drawn

Json = dict[str, Any]

LOGPROB_MIN = -9999.0
"""What stands for a probability of 0: JSON has no infinity. As with OpenAI."""


def chat_logprobs(tokenizer: Tokenizer, drawn: Sequence[Drawn]) -> list[Json]:
    """Entries of `choices[].logprobs.content`, and of an output text's `logprobs`."""
    return [
        _entry(tokenizer, each.token, each.logprobs.logprob)
        | {"top_logprobs": [_entry(tokenizer, token, logprob) for token, logprob in each.logprobs.top]}
        for each in drawn
    ]


def completion_logprobs(tokenizer: Tokenizer, drawn: Sequence[Drawn], offset: int) -> Json:
    """The object `choices[].logprobs` of `/v1/completions`. `offset` is where in the choice's text the first token begins."""
    texts = [_text(tokenizer, each.token) for each in drawn]
    offsets = []
    for text in texts:
        offsets.append(offset)
        offset += len(text)
    return {
        "tokens": texts,
        "token_logprobs": [_bounded(each.logprobs.logprob) for each in drawn],
        "top_logprobs": [{_text(tokenizer, token): _bounded(logprob) for token, logprob in each.logprobs.top} for each in drawn],
        "text_offset": offsets,
    }


def _entry(tokenizer: Tokenizer, token: int, logprob: float) -> Json:
    data = tokenizer.bytes_of((token,))
    return {"token": data.decode("utf-8", "replace"), "logprob": _bounded(logprob), "bytes": list(data)}


def _text(tokenizer: Tokenizer, token: int) -> str:
    return tokenizer.bytes_of((token,)).decode("utf-8", "replace")


def _bounded(logprob: float) -> float:
    return max(logprob, LOGPROB_MIN)
