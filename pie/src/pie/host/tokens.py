"""Token lists as they come from guests."""

import numpy as np
import numpy.typing as npt

from pie.errors import TokenOutOfRangeError

Tokens = npt.NDArray[np.uint32]


def checked(tokens: Tokens, vocabulary_size: int) -> Tokens:
    """The same tokens. Raises `TokenOutOfRangeError` if one is not in the vocabulary."""
    if len(tokens) and (worst := int(tokens.max())) >= vocabulary_size:
        raise TokenOutOfRangeError(f"token {worst} is outside the vocabulary of {vocabulary_size}")
    return tokens
