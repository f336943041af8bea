"""Says how many words there are and which are the most frequent."""

from typing import Any

from pie_component import config, run


def report(counts: list[dict[str, Any]]) -> dict[str, Any]:
    ordered = sorted(counts, key=lambda entry: (-entry["count"], entry["word"]))
    return {"words": sum(entry["count"] for entry in counts), "distinct": len(counts), "top": ordered[: config.top]}


run(report)
