"""How a token is drawn."""

from inferlet import _host as host
from inferlet import checked


class Sampler:
    """A way to draw one token. Made by the class methods; temperature 0 means argmax in all of them.

    Equal seeds give equal draws for equal distributions at equal positions; seed 0 asks for a fresh one.
    """

    __slots__ = ("_probe", "_record")

    def __init__(self, *, temperature: float, k: int = 0, p: float = 1.0, min_p: float = 0.0, seed: int = 0) -> None:
        self._record = host.types.Sampler(float(temperature), checked.number(k), float(p), float(min_p), checked.seed(seed))
        self._probe = host.forward.Probe_Sample(self._record)

    @classmethod
    def argmax(cls) -> "Sampler":
        """The most likely token."""
        return cls(temperature=0.0)

    @classmethod
    def top_p(cls, temperature: float = 0.6, p: float = 0.95, *, seed: int = 0) -> "Sampler":
        """Among the fewest tokens that together have probability `p`."""
        return cls(temperature=temperature, p=p, seed=seed)

    @classmethod
    def top_k(cls, temperature: float = 0.6, k: int = 40, *, seed: int = 0) -> "Sampler":
        """Among the `k` most likely tokens."""
        return cls(temperature=temperature, k=k, seed=seed)

    @classmethod
    def min_p(cls, temperature: float = 0.6, p: float = 0.1, *, seed: int = 0) -> "Sampler":
        """Among the tokens at least `p` times as likely as the most likely one."""
        return cls(temperature=temperature, min_p=p, seed=seed)

    @classmethod
    def top_k_top_p(cls, temperature: float = 0.6, k: int = 40, p: float = 0.95, *, seed: int = 0) -> "Sampler":
        """First the `k` most likely, of these the fewest that together have probability `p`."""
        return cls(temperature=temperature, k=k, p=p, seed=seed)

    @classmethod
    def multinomial(cls, temperature: float = 1.0, draws: int = 1, *, seed: int = 0) -> "Sampler":
        """Among all tokens. `draws` is what the existing Pie calls its second argument; only 1 has a meaning here."""
        if draws != 1:
            raise ValueError(f"one token is drawn per position, not {draws}; to choose the random numbers, pass seed=")
        return cls(temperature=temperature, seed=seed)

    def __repr__(self) -> str:
        drawn = self._record
        return f"Sampler(temperature={drawn.temperature}, k={drawn.top_k}, p={drawn.top_p}, min_p={drawn.min_p}, seed={drawn.seed})"
