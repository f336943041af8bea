import logging
from typing import cast

import pytest
from msgspec.structs import replace

from pie.config.config import Config, LimitsConfig, ServerConfig
from pie.engine.engine import Engine
from pie.errors import ConfigError
from pie.server.operations import ServerOperations


class FakeEngine:
    def __init__(self) -> None:
        self.draining = False

    def drain(self, enabled: bool) -> None:
        self.draining = enabled


class Rig:
    """Operations on a configuration file that says `file`."""

    def __init__(self) -> None:
        self.file: Config | ConfigError = Config()
        self.applied: list[Config] = []
        self.engine = FakeEngine()
        self.operations = ServerOperations(
            cast("Engine", self.engine), Config(), read=self.read, apply=self.applied.append, status=lambda: {"phase": "ready"}
        )

    def read(self) -> Config:
        if isinstance(self.file, ConfigError):
            raise self.file
        return self.file


async def test_what_changed_is_applied_once_and_named() -> None:
    rig = Rig()
    rig.file = Config(limits=LimitsConfig(connections=7))
    assert await rig.operations.reload() == ["limits.connections"]
    assert rig.applied == [rig.file]
    assert await rig.operations.reload() == []


async def test_what_needs_a_restart_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.file = replace(Config(), server=ServerConfig(port=9))
    with caplog.at_level(logging.WARNING):
        assert await rig.operations.reload() == []
    assert "only in effect after a restart: server.port" in caplog.text
    assert rig.operations.config == Config()


async def test_a_file_that_is_wrong_changes_nothing() -> None:
    rig = Rig()
    rig.file = ConfigError("limits: wrong")
    with pytest.raises(ConfigError):
        await rig.operations.reload()
    assert rig.applied == []


async def test_draining_goes_to_the_engine_and_back() -> None:
    rig = Rig()
    await rig.operations.drain(True)
    assert rig.engine.draining
    await rig.operations.drain(False)
    assert not rig.engine.draining
    assert rig.operations.status() == {"phase": "ready"}
