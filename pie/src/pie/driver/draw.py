"""The random number behind a draw: a fixed function of the seed and the position of the new token.

Nothing else goes in, so a sequence draws the same tokens whatever else is in its batch and however it is cut into batches.
The mixing function is the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
"""

import numpy as np
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_GAMMA_INT, _FIRST_INT, _SECOND_INT = int(_GAMMA), int(_FIRST), int(_SECOND)
_WORD = (1 << 64) - 1
_UNIT_BITS = 24
"""As many as a float32 mantissa holds, so every value is exact in float32 and below 1."""


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection of 64-bit words in which every input bit changes every output bit half of the time."""
    values = values + _GAMMA
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))


def _mix_one(value: int) -> int:
    value = (value + _GAMMA_INT) & _WORD
    value = ((value ^ (value >> 30)) * _FIRST_INT) & _WORD
    value = ((value ^ (value >> 27)) * _SECOND_INT) & _WORD
    return value ^ (value >> 31)


def words(seeds: NDArray[np.uint64], positions: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One 64-bit word per (seed, position); the arrays broadcast."""
    return mix(mix(seeds) ^ positions)


def word(seed: int, position: int) -> int:
    """As `words`, of one pair: for a single number Python's own integers are ten times as fast as arrays."""
    return _mix_one(_mix_one(seed) ^ position)


def uniforms(seeds: NDArray[np.uint64], positions: NDArray[np.uint64]) -> NDArray[np.float32]:
    """One number in [0, 1) per (seed, position); the arrays broadcast."""
    top_bits = words(seeds, positions) >> np.uint64(64 - _UNIT_BITS)
    return top_bits.astype(np.float32) / np.float32(1 << _UNIT_BITS)
