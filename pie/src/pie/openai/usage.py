"""What a request has used, in the shapes of the routes. Pure."""

from collections.abc import Sequence

from pie.openai.completion import Completions


def completion_usage(all_completions: Sequence[Completions]) -> dict[str, object]:
    """The object `usage` of the two completion routes. `cached_tokens` are those whose KV was reused."""
    prompt, cached, completion = _counts(all_completions)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def response_usage(all_completions: Sequence[Completions]) -> dict[str, object]:
    """The object `usage` of `/v1/responses`. Tokens of reasoning are not counted apart."""
    prompt, cached, completion = _counts(all_completions)
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }


def _counts(all_completions: Sequence[Completions]) -> tuple[int, int, int]:
    return (
        sum(len(completions.prompt) for completions in all_completions),
        sum(completions.cached_tokens for completions in all_completions),
        sum(completions.completion_tokens for completions in all_completions),
    )
