"""Makes a question into what the program takes."""

from typing import Any

from pie_component import config, run


def ask(question: str) -> dict[str, Any]:
    return {"prompt": question.strip(), "max_tokens": config.max_tokens}


run(ask)
