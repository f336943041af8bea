from dataclasses import dataclass


@dataclass
class Error:
    code: str
    message: str


@dataclass
class Sampler:
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int
