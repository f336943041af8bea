"""Models that cannot be served: starting the engine says what is wrong, and leaves nothing behind."""

import asyncio
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e import random_model
from e2e.conftest import no_unseen_errors, torch_config, worker_ids

from pie.config.config import Config
from pie.config.home import Home
from pie.engine.engine import Engine, running
from pie.errors import ModelError, ModelNotFoundError, PieError
from pie.programs.resolve import resolve


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return random_model.write(tmp_path / "model")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the engine makes temporary files in these tests."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def failure(config: Config, tmp_path: Path) -> PieError:
    """The error that starting an engine ends with, after a look that nothing is left of the attempt."""
    async with no_unseen_errors():
        with pytest.raises(PieError) as caught:
            async with running(config, Home(tmp_path / "home")):
                pass
    assert not worker_ids(os.getpid())
    assert not list((tmp_path / "temporary").iterdir())
    assert len(asyncio.all_tasks()) == 1
    return caught.value


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("no-such-model", "neither 'pie-tiny', nor a folder, nor a repository"),
        ("./no/such/folder", "neither 'pie-tiny', nor a folder, nor a repository"),
        ("../../etc", "holds no model: it has no config.json"),
        ("nobody/has-this-model", "get it with: pie model download nobody/has-this-model"),
    ],
)
async def test_a_model_that_is_not_here_comes_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: str
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    error = await failure(torch_config(source), tmp_path)
    assert isinstance(error, ModelError | ModelNotFoundError)
    assert words in error.message


@dataclass(frozen=True, slots=True)
class Spoil:
    """One way to spoil a model's folder."""

    what: str
    do: Callable[[Path], object]

    def __str__(self) -> str:
        return self.what


def without(name: str) -> Spoil:
    return Spoil(f"without {name}", lambda folder: (folder / name).unlink())


def with_content(name: str, content: bytes) -> Spoil:
    return Spoil(f"{name} is {content!r}", lambda folder: (folder / name).write_bytes(content))


def with_config(**values: object) -> Spoil:
    return Spoil(f"config {values}", lambda folder: random_model.set_config(folder, **values))


def with_tensor(name: str, shape: tuple[int, ...] | None) -> Spoil:
    return Spoil(f"{name} is {shape}", lambda folder: random_model.set_tensor(folder, name, shape))


def truncated(size: int) -> Spoil:
    return Spoil(f"cut to {size} bytes", lambda folder: os.truncate(folder / random_model.WEIGHTS, size))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without("config.json"), ["holds no model: it has no config.json"]),
        (without("tokenizer.json"), ["has no tokenizer.json"]),
        (with_content("config.json", b"{"), ["config.json"]),
        (with_content("tokenizer.json", b"{}"), ["tokenizer.json cannot be read"]),
        (with_config(vocab_size=100), ["tokens but the model's vocabulary holds 100: they do not belong together"]),
        (with_config(architectures=None, model_type=None), ["names no architecture"]),
    ],
    ids=lambda value: str(value) if isinstance(value, Spoil) else "",
)
async def test_a_folder_that_is_no_model_is_refused_before_a_worker_starts(
    model: Path, tmp_path: Path, spoil: Spoil, words: list[str]
) -> None:
    spoil.do(model)
    error = await failure(torch_config(model), tmp_path)
    assert isinstance(error, ModelError)
    assert all(word in error.message for word in [str(model), *words])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without("model.safetensors"), ["neither model.safetensors nor model.safetensors.index.json"]),
        (with_content("model.safetensors", b""), ["model.safetensors cannot be read"]),
        (truncated(1000), ["model.safetensors cannot be read"]),
        (truncated(50_000), ["model.safetensors cannot be read"]),
        (with_tensor("model.layers.1.mlp.up_proj.weight", None), ["tensor model.layers.1.mlp.up_proj.weight is missing"]),
        (
            with_tensor("model.layers.0.self_attn.k_proj.weight", (16, 31)),
            ["model.layers.0.self_attn.k_proj.weight", "has shape [16, 31], config.json asks for [16, 32]"],
        ),
        (with_config(vocab_size=641), ["model.embed_tokens.weight", "has shape [640, 32], config.json asks for [641, 32]"]),
        (with_config(num_hidden_layers=3), ["tensor model.layers.2.", "is missing"]),
        (with_config(hidden_size=None), ["config.json: key `hidden_size` is missing"]),
        (with_config(num_key_value_heads=7), ["config.json: 2 attention heads cannot share 7 key-value heads"]),
        (with_config(architectures=["MambaForCausalLM"]), ["architecture MambaForCausalLM is not supported; LlamaForCausalLM"]),
    ],
    ids=lambda value: str(value) if isinstance(value, Spoil) else "",
)
async def test_weights_that_do_not_fit_are_named(model: Path, tmp_path: Path, spoil: Spoil, words: list[str]) -> None:
    spoil.do(model)
    error = await failure(torch_config(model), tmp_path)
    assert isinstance(error, ModelError)
    assert all(word in error.message for word in words)


@pytest.mark.slow
async def test_one_model_that_cannot_be_loaded_ends_the_loading_of_the_others(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    error = await failure(torch_config(model, tmp_path / "empty"), tmp_path)
    assert "empty holds no model" in error.message


@pytest.mark.slow
@pytest.mark.parametrize("pause_s", [0.0, 0.01, 1.0])
async def test_an_engine_may_be_closed_while_it_starts(model: Path, tmp_path: Path, pause_s: float) -> None:
    async with no_unseen_errors():
        engine = Engine(torch_config(model), Home(tmp_path / "home"))
        start = asyncio.create_task(engine.start())
        await asyncio.sleep(pause_s)
        start.cancel()
        await asyncio.wait([start])
        await engine.close()
    assert not worker_ids(os.getpid())
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.slow
async def test_a_program_that_is_not_found_while_the_model_loads_leaves_nothing_behind(model: Path, tmp_path: Path) -> None:
    async with no_unseen_errors():
        engine = Engine(torch_config(model), Home(tmp_path / "home"))
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(engine.start())
                group.create_task(asyncio.to_thread(resolve, "text-completoin", tmp_path, print))
        await engine.close()
    assert not worker_ids(os.getpid())
    assert not list((tmp_path / "temporary").iterdir())
