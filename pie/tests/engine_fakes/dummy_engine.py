"""An engine on the dummy driver, and programs that are Python functions: no sandbox, no build."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import sample_tokenizers
from pie.config.config import Config, DriverConfig, LimitsConfig, ModelConfig
from pie.engine.program import InstalledProgram
from pie.host.guest import Guest
from pie.sandbox.interface import Ok
from pie.sandbox.program import Program
from pie_wire.manifest import Manifest, Package

Body = Callable[[Guest], Awaitable[str]]


class _Instance:
    def __init__(self, body: Body, guest: Guest) -> None:
        self._body = body
        self._guest = guest

    async def run(self, _: str) -> Ok:
        return Ok(await self._body(self._guest))

    def close(self) -> None:
        pass


class _Component:
    """Every instance does as `body` says."""

    def __init__(self, body: Body) -> None:
        self._body = body

    async def start(self, guest: Guest) -> _Instance:
        return _Instance(self._body, guest)


def program(body: Body) -> InstalledProgram:
    return InstalledProgram(Manifest(Package("test", "0.1.0")), cast("Program", _Component(body)))


def model_without_weights(folder: Path, *, eos: int = 0) -> Path:
    """What the dummy driver needs of a model: a tokenizer, and how large it is."""
    folder.mkdir(exist_ok=True)
    config = {"architectures": ["Qwen3ForCausalLM"], "vocab_size": 4096, "max_position_embeddings": 8192, "eos_token_id": eos}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_bytes(sample_tokenizers.byte_level())
    return folder


def dummy_config(folder: Path, limits: LimitsConfig | None = None) -> Config:
    model = ModelConfig("dummy", str(model_without_weights(folder / "model")), DriverConfig(type="dummy"))
    return Config(limits=limits or LimitsConfig(processes_per_user=2, tokens_per_minute=600), models=(model,))
