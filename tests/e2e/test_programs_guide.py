"""Every program in README.md, docs/programs.md and the SDK's README builds and runs."""

import re
from pathlib import Path

import pytest
from e2e.conftest import installed

from pie.config.home import Home
from pie.engine.engine import Engine

ROOT = Path(__file__).parents[2]
BLOCKS = [
    block
    for document in (ROOT / "README.md", ROOT / "docs" / "programs.md", ROOT / "sdk" / "python" / "README.md")
    for block in re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BLOCKS)))
async def test_a_program_of_the_guide_runs(dummy_engine: Engine, home: Home, tmp_path: Path, number: int) -> None:
    source = tmp_path / f"guide-{number}.py"
    source.write_text(BLOCKS[number])
    program = await installed(dummy_engine, home, source)
    outcome = await dummy_engine.launch(program, "{}").outcome()
    assert outcome.kind == "return", outcome.value
