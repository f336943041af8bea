"""Real programs in a real engine."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import sample_tokenizers
from pie.config.config import Config, DriverConfig, DriverOptions, ModelConfig, RuntimeConfig
from pie.config.home import Home
from pie.engine.engine import Engine, running
from pie.engine.program import InstalledProgram
from pie.errors import ModelNotFoundError
from pie.model.sources import embedded
from pie.programs.resolve import resolve
from pie.programs.resolved import ResolvedProgram
from pie_wire.manifest import Manifest, Package

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="session")
def home(pie_cache: Path) -> Home:
    return Home(pie_cache.parent)


@pytest.fixture
async def dummy_engine(home: Home, tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine without a model: tokens are invented. Guests may take 256 MiB each."""
    async with running(dummy_config(model_without_weights(tmp_path)), home) as engine:
        yield engine
        engine.model().scheduler.check()


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    """pie-tiny on the torch driver, in a worker child."""
    try:
        embedded()
    except ModelNotFoundError as absent:
        pytest.skip(f"{absent}; train and export it as training/README.md says")
    return torch_config("pie-tiny")


@pytest.fixture
async def tiny_engine(home: Home, tiny_config: Config) -> AsyncIterator[Engine]:
    async with running(tiny_config, home) as engine:
        yield engine
        engine.model().scheduler.check()


def torch_config(*sources: str | Path) -> Config:
    """These models on torch drivers, each with a small KV cache."""
    driver = DriverConfig(options=DriverOptions(kv_cache_mb=64))
    return Config(models=tuple(ModelConfig(Path(source).name, str(source), driver) for source in sources))


def dummy_config(model: Path) -> Config:
    models = (ModelConfig("dummy", str(model), DriverConfig(type="dummy")),)
    return Config(runtime=RuntimeConfig(wasm_max_memory_mb=256), models=models)


def model_without_weights(folder: Path) -> Path:
    """What the dummy driver needs of a model: a tokenizer, and how large it is."""
    config = {"architectures": ["Qwen3ForCausalLM"], "vocab_size": 4096, "max_position_embeddings": 8192}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_bytes(sample_tokenizers.byte_level())
    return folder


async def installed(engine: Engine, home: Home, target: str | Path) -> InstalledProgram:
    """An example by name, or a program of these tests by folder; built and compiled if that was not done before."""
    return await engine.install(resolve(str(target), home.built, print))


def program(wasm: bytes, name: str = "by-hand") -> ResolvedProgram:
    """A component without a source."""
    return ResolvedProgram(wasm, Manifest(Package(name, "0.1.0")))


@asynccontextmanager
async def no_unseen_errors() -> AsyncIterator[None]:
    """Fails if asyncio had to report an error that nobody looked at: "Task exception was never retrieved" and the like."""
    reports: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, report: reports.append(report))
    try:
        yield
        await asyncio.sleep(0)
        gc.collect()
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    assert not reports


def worker_ids(parent: int) -> list[int]:
    """The worker children of an OS process."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    return [child for child in map(int, children.read_text().split()) if is_worker(child)]


def is_worker(process_id: int) -> bool:
    """Whether this OS process is a worker, and alive."""
    try:
        return b"pie_worker" in Path(f"/proc/{process_id}/cmdline").read_bytes()  # empty for one that waits for being reaped
    except FileNotFoundError:
        return False
