"""Every program in README.md, docs/programs.md and the SDK's README builds and runs.

They are built together, as the modules of one program that runs the one it is told to: a build takes long.
"""

import json
import re
from pathlib import Path

import pytest
from e2e.conftest import installed

from bakery.check import check
from bakery.project import Project
from pie.config.home import Home
from pie.engine.engine import Engine
from pie_wire.manifest import Manifest, Package

ROOT = Path(__file__).parents[2]
BLOCKS = [
    block
    for document in (ROOT / "README.md", ROOT / "docs" / "programs.md", ROOT / "sdk" / "python" / "README.md")
    for block in re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
]
MAIN = """import inspect

{imports}


async def main(input):
    answer = PROGRAMS[input].main({{}})
    return await answer if inspect.isawaitable(answer) else answer


PROGRAMS = ({names})
"""


@pytest.fixture
def all_of_them(tmp_path: Path) -> Path:
    folder = tmp_path / "guide"
    folder.mkdir()
    names = [f"guide_{number}" for number in range(len(BLOCKS))]
    for name, block in zip(names, BLOCKS, strict=True):
        (folder / f"{name}.py").write_text(block)
    (folder / "main.py").write_text(MAIN.format(imports="\n".join(f"import {name}" for name in names), names=", ".join(names)))
    (folder / "Pie.toml").write_text('[package]\nname = "guide"\nversion = "0.1.0"\n')
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BLOCKS)))
async def test_a_program_of_the_guide_runs(dummy_engine: Engine, home: Home, all_of_them: Path, number: int) -> None:
    program = await installed(dummy_engine, home, all_of_them)
    outcome = await dummy_engine.launch(program, json.dumps(number)).outcome()
    assert outcome.kind == "return", outcome.value


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_program_of_the_guide_could_be_built_alone(number: int) -> None:
    checked = check(Project(Manifest(Package("guide", "0.1.0")), {"main.py": BLOCKS[number].encode()}))
    assert checked.suspicion is None
