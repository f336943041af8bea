"""`python -m pie_component test FOLDER`, with real containers."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pie_component.harness import Harness, main
from pie_component.trial import TrialError

MANIFEST = """
name: divide
worker:
  input_types: [{inputs}]
  output_types: ["{{share: Int64}}"]
  config_schema:
    whole: {{type: Int64, default: 100}}
    {more}
"""
MAIN = """
from pie_component import config, generated, run

def divide(*parts):
    generated("last").write_text(str(parts))
    return {"share": config.whole // sum(parts)}

run(divide)
"""


def component(folder: Path, inputs: str = "Int64", more: str = "") -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_text(MAIN)
    (folder / "component.yml").write_text(MANIFEST.format(inputs=inputs, more=more))
    return folder


def lines(folder: Path, *given: str, **literals: str) -> list[str]:
    harness = Harness(folder, literals=literals)
    with harness.trial() as trial:
        return list(harness.lines(trial, given))


def test_a_line_is_a_value_and_so_is_what_comes_out(tmp_path: Path) -> None:
    assert lines(component(tmp_path), "2", "", "5") == [
        '{"output":0,"value":{"share":50}}',
        '{"output":0,"value":{"share":20}}',
    ]


def test_with_several_inputs_a_line_names_its_own(tmp_path: Path) -> None:
    given = ('{"input": 1, "value": 3}', '{"input": 0, "value": 1}')
    assert lines(component(tmp_path, "Int64, Int64"), *given, whole="40") == ['{"output":0,"value":{"share":10}}']


def test_a_failure_is_shown_and_is_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lines").write_text("0\n1\n")
    folder = component(tmp_path / "component")
    assert main([str(folder), "--input", str(tmp_path / "lines")]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert "ZeroDivisionError" in first
    assert second == '{"output":0,"value":{"share":100}}'


def test_generated_files_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("4\n")
    folder = component(tmp_path / "component")
    assert main([str(folder), "--input", str(tmp_path / "lines"), "--generated", str(tmp_path / "kept")]) == 0
    assert (tmp_path / "kept" / "last").read_text() == "(4,)"


@pytest.mark.parametrize("line", ["x", '"1"', "1.5"])
def test_a_line_that_is_no_value_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(TrialError, match="line 2"):
        lines(component(tmp_path), "1", line)


def test_a_parameter_without_a_value_is_asked_for(tmp_path: Path) -> None:
    folder = component(tmp_path, more="level: {type: Int64}")
    with pytest.raises(TrialError, match="level"):
        lines(folder, "1")


def test_an_unknown_parameter_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrialError, match="lvel"):
        lines(component(tmp_path), "1", lvel="2")


def test_what_the_container_refuses_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrialError, match="parameter whole"):
        lines(component(tmp_path), *["1"] * 5, whole="high")


@pytest.mark.parametrize("text", [None, "name: [", "language: py", "\xff"])
def test_a_folder_without_a_manifest_is_named(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "component.yml").write_text(text, "latin-1")
    assert main([str(tmp_path)]) == 1


def test_a_component_that_ends_by_itself_ends_its_trial(tmp_path: Path) -> None:
    folder = component(tmp_path)
    (folder / "src" / "main.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(TrialError, match="exit code 3"):
        lines(folder, *["1"] * 50)


def test_a_source_runs_until_it_ends(tmp_path: Path) -> None:
    (tmp_path / "component.yml").write_text("name: count\nworker: {entry: main.py, output_types: [Int64], finite: true}\n")
    text = "from pie_component import run\ndef count():\n    yield from range(3)\nrun(count)\n"
    (tmp_path / "main.py").write_text(text)
    assert lines(tmp_path) == [f'{{"output":0,"value":{number}}}' for number in range(3)]


def test_a_trial_that_is_told_to_end_takes_its_component_along(tmp_path: Path) -> None:
    (tmp_path / "component.yml").write_text("name: tick\nworker: {entry: main.py, output_types: [Int64]}\n")
    text = "import os\nfrom pie_component import run\ndef tick():\n    while True:\n        yield os.getpid()\nrun(tick)\n"
    (tmp_path / "main.py").write_text(text)
    command = [sys.executable, "-m", "pie_component", "test", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = json.loads(process.stdout.readline())["value"]
        process.send_signal(signal.SIGTERM)
        process.stdout.close()
        assert process.wait(30) == 0
    assert not Path(f"/proc/{child}").exists()
