"""Folders that nest deeper than a path may be long, and than Python's stack."""

import os
import subprocess
from pathlib import Path

DEPTH = 2500


def nest(folder: Path) -> None:
    """Nest folders in one."""
    inner = os.open(folder, os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("d", dir_fd=inner)
        outer, inner = inner, os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)


def remove(folder: Path) -> None:
    """Python cannot."""
    subprocess.run(["rm", "-rf", str(folder)], check=True)
