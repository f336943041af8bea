"""The README's third chapter, typed as it stands there: a graph is deployed, taken down and deployed again behind one URL.

Only the platform's folder and its ports are others than in the text, so that it runs beside anything else.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
_, _, AFTER = (ROOT / "README.md").read_text().partition("\n## Deploy\n")
BLOCKS = re.findall(r"```console\n(.*?)```", AFTER.partition("\n## ")[0], re.DOTALL)


def script() -> str:
    """All commands, at other ports."""
    lines = [line.removeprefix("$ ") for block in BLOCKS for line in block.splitlines() if line.startswith("$ ")]
    assert sum(line.startswith("pie up --detach") for line in lines) == 1
    return "set -e\n" + "\n".join(lines).replace("pie up --detach", "pie up --detach --port 0 --gateway-port 0")


def printed() -> list[str]:
    """What the chapter says that the commands print on stdout."""
    return [line for block in BLOCKS for line in block.splitlines() if line and not line.startswith("$ ")]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    yield variables
    subprocess.run(["pie", "down"], env=variables, capture_output=True, timeout=PATIENCE_S, check=False)


def test_the_third_chapter_works_as_written(environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", script()],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    for line in printed():
        before, found, said = said.partition(line)
        assert found, f"{line!r} is not in {before!r}"
