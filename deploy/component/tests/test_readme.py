"""The README's examples do what it says."""

import re
from pathlib import Path

import pytest

from pie_component.harness import Harness

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
MANIFEST = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0]
WHOLE = "name: numbers\nworker: {entry: main.py, input_types: [Int64], output_types: [Int64]}\n"


def block(with_text: str) -> str:
    (found,) = [text for text in BLOCKS if with_text in text]
    return found


def results(folder: Path, manifest: str, module: str, *lines: str, **literals: str) -> list[str]:
    (folder / "component.yml").write_text(manifest)
    (folder / "main.py").write_text(module)
    harness = Harness(folder, literals=literals)
    with harness.trial() as trial:
        return list(harness.lines(trial, lines))


def test_the_first_example_prints_what_is_shown(tmp_path: Path) -> None:
    shown = re.findall(r'^\{"output".*$', README, re.MULTILINE)
    assert results(tmp_path, MANIFEST, block("def scale"), "1.5", "2", factor="10") == shown


@pytest.mark.parametrize(
    ("name", "lines", "expected"),
    [
        pytest.param("def count", ["3"], [0, 1, 2], id="generator"),
        pytest.param("def add", ["1", "2", "3"], [1, 3, 6], id="state"),
        pytest.param("def pairs", ["1", "2", "3", "4"], [3, 7], id="streaming"),
        pytest.param("def slow", ["1", "2", "3"], [2, 3, 4], id="async"),
    ],
)
def test_an_example_of_a_mode_does_what_its_mode_says(tmp_path: Path, name: str, lines: list[str], expected: list[int]) -> None:
    assert results(tmp_path, WHOLE, block(name), *lines) == [f'{{"output":0,"value":{value}}}' for value in expected]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_example_is_python(number: int) -> None:
    compile(BLOCKS[number], "README.md", "exec")
