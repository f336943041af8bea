"""How likely drawn tokens and others were: from the driver's columns of numbers to what a consumer reads."""

from dataclasses import dataclass

import numpy as np

from pie.driver.messages import Output
from pie.errors import DriverError


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """Natural logarithms of probabilities at temperature 1, before truncation, of the tokens that the logit mask allowed."""

    logprob: float
    """Of the token drawn."""
    top: tuple[tuple[int, float], ...]
    """The likeliest tokens, descending; the one drawn may be among them. Fewer than asked for if fewer were allowed."""


class FreshLogprobs:
    """Those of one generation that nobody has taken yet. They are unpacked when they are taken."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._logprobs: list[bytes] = []
        self._top_tokens: list[bytes] = []

    def add(self, output: Output, drawn: int, kept: int) -> None:
        """Of the first `kept` of `drawn` tokens. Raises `DriverError` if the driver told another number."""
        if len(output.logprobs) != 4 * drawn * (1 + self._top) or len(output.top_tokens) != 4 * drawn * self._top:
            raise DriverError(f"the driver did not return {self._top} log-probabilities for each of {drawn} tokens")
        self._logprobs.append(output.logprobs[: 4 * kept * (1 + self._top)])
        self._top_tokens.append(output.top_tokens[: 4 * kept * self._top])

    def take(self) -> list[TokenLogprobs]:
        logprobs = np.frombuffer(b"".join(self._logprobs), "<f4").reshape(-1, 1 + self._top).tolist()
        tokens = np.frombuffer(b"".join(self._top_tokens), "<i4").reshape(len(logprobs), self._top).tolist()
        self._logprobs.clear()
        self._top_tokens.clear()
        return [_unpacked(*line) for line in zip(logprobs, tokens, strict=True)]


def _unpacked(logprobs: list[float], tokens: list[int]) -> TokenLogprobs:
    drawn, *likeliest = logprobs
    top = [(token, known) for token, known in zip(tokens, likeliest, strict=True) if known != float("-inf")]
    return TokenLogprobs(drawn, tuple(top))
