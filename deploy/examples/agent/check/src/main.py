"""Says whether an answer can be shown."""

from typing import Any

from pie_component import config, run


def check(answer: str) -> dict[str, Any]:
    text = answer.strip()
    found = {
        "it is empty": not text,
        "it is too long": len(text) > config.longest,
        "it does not end": not text.endswith((".", "!", "?")),
    }
    problems = [problem for problem, holds in found.items() if holds]
    return {"answer": text, "valid": not problems, "problems": problems}


run(check)
