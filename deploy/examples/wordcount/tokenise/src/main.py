"""Splits a text into words."""

import re

from pie_component import config, run


def tokenise(text: str) -> list[str]:
    words = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", text)
    return [word.lower() for word in words] if config.lower else words


run(tokenise)
