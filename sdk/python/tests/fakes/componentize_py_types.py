"""As componentize-py generates it."""

from dataclasses import dataclass
from typing import Any


@dataclass
class Some:
    value: Any


@dataclass
class Ok:
    value: Any


@dataclass(frozen=True)
class Err(Exception):
    value: Any
