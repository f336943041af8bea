"""What the README tells people to type works, and what it points to is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pie.config.home import Home

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").rglob("*.md"))
FIRST_CHAPTER, _, _ = README.partition("\n## Serve\n")
"""The second one is looked at by test_second_chapter.py: its commands belong together."""
COMMANDS = [
    line.removeprefix("$ ").partition("  #")[0].strip()
    for block in re.findall(r"```console\n(.*?)```", FIRST_CHAPTER, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]
ELSEWHERE = {
    "make run": "sets up .venv",
    "make test": "is what runs this",
    ". .venv/bin/activate": "is for shells of people",
    "pie model download Qwen/Qwen3-0.6B": "needs a network",
}


@pytest.fixture
def environment(home: Home, tmp_path: Path) -> dict[str, str]:
    """A person's first steps: a home without anything but what was built before, `pie` on the path."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "cache").symlink_to(home.root / "cache")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PIE_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}


def shell(command: str, environment: dict[str, str], folder: Path) -> str:
    """What a command prints on stdout. Fails if the command does."""
    done = subprocess.run(
        ["bash", "-c", command], env=environment, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_every_command_is_looked_at() -> None:
    assert set(ELSEWHERE) <= set(COMMANDS)
    assert [command for command in COMMANDS if command.startswith("pie run")]


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_config")
@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in ELSEWHERE])
def test_a_command_works(environment: dict[str, str], tmp_path: Path, command: str) -> None:
    (tmp_path / "here").mkdir()
    shell(command, environment, tmp_path / "here")


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_config")
def test_make_run_prints_what_the_readme_says(environment: dict[str, str], tmp_path: Path) -> None:
    _, _, after = README.partition("$ make run")
    promised = after.splitlines()[1]
    recipe = subprocess.run(
        ["make", "--no-print-directory", "-n", "run", "-o", ".venv/.setup"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shell(recipe.stdout.replace(".venv/bin/", ""), environment, tmp_path) == f"{promised}\n"


@pytest.mark.slow
def test_a_model_that_was_not_downloaded_yet_says_how_to_get_it(environment: dict[str, str], tmp_path: Path) -> None:
    [setting] = [command for command in COMMANDS if command.startswith("pie config init")]
    shell(setting, environment, tmp_path)
    done = subprocess.run(
        ["pie", "run", "-q", "helloworld"], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "get it with: pie model download Qwen/Qwen3-0.6B" in done.stderr


def test_make_has_every_verb_that_is_named() -> None:
    verbs = {verb for document in DOCUMENTS for verb in re.findall(r"`make ([a-z]+)", document.read_text())}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"run", "test", "check", "bench"} <= verbs <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []
