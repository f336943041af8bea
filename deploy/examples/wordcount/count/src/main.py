"""Counts equal words."""

from collections import Counter
from typing import Any

from pie_component import run


def count(words: list[str]) -> list[dict[str, Any]]:
    return [{"word": word, "count": number} for word, number in Counter(words).items()]


run(count)
