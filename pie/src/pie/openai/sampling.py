"""Sampling parameters of a request as the scheduler takes them. Pure."""

from collections.abc import Mapping

from pie.driver.messages import Sampling
from pie.openai.api_error import invalid, unsupported
from pie.openai.requests import Sampled

_SEED_SPACE = 1 << 63
_SEED_STRIDE = 0x9E37_79B9_7F4A_7C15
"""Odd, so that the choices of one request have different seeds; its bits are as good as random."""

TEMPERATURE_DEFAULT = 1.0
"""As with OpenAI."""


def sampling_of(request: Sampled, choice: int) -> Sampling:
    """The sampler of one choice. Choices of a request with a seed differ from each other, and the same again next time."""
    return Sampling(
        temperature=TEMPERATURE_DEFAULT if request.temperature is None else request.temperature,
        top_k=request.top_k or 0,
        top_p=1.0 if request.top_p is None else request.top_p,
        min_p=request.min_p or 0.0,
        seed=0 if request.seed is None else _seed(request.seed, choice),
    )


def _seed(seed: int, choice: int) -> int:
    """Never 0, which stands for a fresh one."""
    return (seed + choice * _SEED_STRIDE) % _SEED_SPACE or _SEED_SPACE - 1


def logit_mask(bias: Mapping[str, float] | None, vocabulary_size: int) -> list[int]:
    """`logit_bias` as run lengths: -100 bans a token, 100 allows only such tokens. No runs: everything is allowed.

    Raises `ApiError` for values between, which samplers have nothing for.
    """
    if not bias:
        return []
    banned = {_token(key, vocabulary_size) for key, value in bias.items() if value == -100}
    only = {_token(key, vocabulary_size) for key, value in bias.items() if value == 100}
    if any(value not in (-100, 0, 100) for value in bias.values()):
        raise unsupported("logit_bias", "only -100 (never), 0 and 100 (only these) are")
    if only:
        return _runs(only, vocabulary_size)
    return _complement(_runs(banned, vocabulary_size)) if banned else []


def _token(key: str, vocabulary_size: int) -> int:
    if not (key.isascii() and key.isdigit() and len(key) < 10 and int(key) < vocabulary_size):
        raise invalid(f"'{key}' is no token: the vocabulary has {vocabulary_size}", "logit_bias")
    return int(key)


def _runs(tokens: set[int], size: int) -> list[int]:
    """Alternating run lengths, false first, of a mask that is true for these tokens."""
    runs: list[int] = []
    end = 0
    for token in sorted(tokens):
        if runs and token == end:
            runs[-1] += 1
        else:
            runs += [token - end, 1]
        end = token + 1
    return [*runs, size - end] if end < size else runs


def _complement(runs: list[int]) -> list[int]:
    return runs[1:] if runs[0] == 0 else [0, *runs]
