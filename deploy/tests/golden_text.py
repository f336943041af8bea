"""Text that is compared with a file beside the tests. `GOLDEN=write pytest …` writes the files; review them like code."""

import os
from pathlib import Path


def check(path: Path, text: str) -> None:
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{path.name} says something else; GOLDEN=write takes what is said now"
