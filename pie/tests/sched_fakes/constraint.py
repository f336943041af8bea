"""A constraint whose every mask depends on all tokens before, so that one told of other tokens than were drawn is found out."""

import numpy as np

from sched_fakes.history import mixed


class Capricious:
    def __init__(self, seed: int, vocabulary_size: int, length: int = 1 << 30) -> None:
        """Allows a third of the tokens, or all, as it likes; finished after `length` of them."""
        self.seed = seed
        self.accepted: list[int] = []
        self._vocabulary_size = vocabulary_size
        self._length = length

    def mask(self) -> bytes:
        mood = mixed(self.seed, *self.accepted)
        if mood % 5 == 0:
            return b""
        allowed = [mixed(mood, token) % 3 == 0 for token in range(self._vocabulary_size)]
        allowed[mood % self._vocabulary_size] = True
        return np.packbits(allowed, bitorder="little").tobytes()

    def accept(self, token: int) -> None:
        mask = self.mask()
        assert not mask or mask[token // 8] >> token % 8 & 1, "only what is allowed is drawn"
        assert not self.finished()
        self.accepted.append(token)

    def finished(self) -> bool:
        return len(self.accepted) >= self._length

    def again(self) -> "Capricious":
        """The same from the beginning."""
        return Capricious(self.seed, self._vocabulary_size, self._length)
