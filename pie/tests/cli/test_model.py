import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def pie(*arguments: str, hub: Path, answer: str = "") -> tuple[int, str, str]:
    """In a process of its own: the Hugging Face library reads its environment once."""
    command = [sys.executable, "-c", "from pie_cli.main import main; main()", "model", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, input=answer, env=os.environ | {"HF_HOME": str(hub)}, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A Hugging Face home with one model that we run, and one that we do not."""
    for name, architecture in (("good", "Qwen3ForCausalLM"), ("odd", "BertForMaskedLM")):
        folder = tmp_path / "hub" / f"models--owner--{name}"
        snapshot = folder / "snapshots" / "0123456789abcdef0123456789abcdef01234567"
        snapshot.mkdir(parents=True)
        config = {"architectures": [architecture], "vocab_size": 8, "max_position_embeddings": 8}
        (snapshot / "config.json").write_text(json.dumps(config))
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text(snapshot.name)
    return tmp_path


def test_the_list_tells_what_can_be_run(hub: Path) -> None:
    code, out, _ = pie("list", hub=hub)
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["✓", "owner/good", "86", "B", "Qwen3ForCausalLM"] in lines
    assert ["○", "owner/odd", "85", "B", "unsupported:", "BertForMaskedLM"] in lines


def test_the_list_as_json(hub: Path) -> None:
    entries = {entry["name"]: entry for entry in json.loads(pie("list", "--json", hub=hub)[1])}
    assert (entries["owner/good"]["is_supported"], entries["owner/odd"]["is_supported"]) == (True, False)


def test_a_model_is_removed_after_a_question(hub: Path) -> None:
    code, _, err = pie("remove", "owner/good", hub=hub, answer="n\n")
    assert (code, "Delete owner/good?" in err) == (1, True)
    assert (hub / "hub" / "models--owner--good").exists()
    code, _, err = pie("remove", "owner/good", hub=hub, answer="y\n")
    assert (code, "freed" in err) == (0, True)
    assert not (hub / "hub" / "models--owner--good").exists()


def test_a_model_that_is_not_there_cannot_be_removed(hub: Path) -> None:
    assert pie("remove", "owner/none", "--yes", hub=hub) == (
        1,
        "",
        "pie: 'owner/none' is not in the cache; `pie model list` shows what is\n",
    )


def test_what_is_no_repository_is_not_looked_for(hub: Path) -> None:
    code, _, err = pie("download", "pie-tiny", hub=hub)
    assert (code, err) == (1, "pie: 'pie-tiny' is no repository: expected one like Qwen/Qwen3-0.6B\n")
