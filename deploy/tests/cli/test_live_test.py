"""`pie lease run`."""

from pathlib import Path

import pytest
from live_test_platform import FakePlatform
from typer import Typer
from typer.testing import CliRunner

from pie_deploy.cli import live_test


def ran(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch, manifest: Path) -> tuple[int, list[str]]:
    monkeypatch.setattr(live_test, "connect", lambda: _Connected(platform))
    app = Typer()
    app.command()(live_test.run)
    result = CliRunner().invoke(app, ["--test", str(manifest)])
    return result.exit_code, result.stdout.splitlines()


class _Connected:
    def __init__(self, platform: FakePlatform) -> None:
        self._platform = platform

    def __enter__(self) -> FakePlatform:
        return self._platform

    def __exit__(self, *_: object) -> None:
        pass


def manifest(folder: Path) -> Path:
    path = folder / "test.yml"
    path.write_text("{name: smoke, backend: {fork: prod}}")
    return path


def test_a_test_that_passes_exits_with_0(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    status, lines = ran(FakePlatform(), monkeypatch, manifest(tmp_path))
    assert status == 0 and '"type":"result"' in lines[-1]


def test_a_test_that_fails_exits_with_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    status, lines = ran(FakePlatform(statuses=["failed"]), monkeypatch, manifest(tmp_path))
    assert status == 1 and '"verdict":"failed"' in lines[-1]
