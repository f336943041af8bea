"""`pie lease run`."""

import json
import os
import signal
from pathlib import Path

import pytest
from live_test_platform import FakePlatform
from typer import Typer
from typer.testing import CliRunner

from pie_deploy.cli import live_test
from pie_deploy.live_test import Event


class _Connected:
    def __init__(self, platform: FakePlatform) -> None:
        self._platform = platform

    def __enter__(self) -> FakePlatform:
        return self._platform

    def __exit__(self, *_: object) -> None:
        pass


def ran(
    platform: FakePlatform, monkeypatch: pytest.MonkeyPatch, folder: Path, steps: str = "[]"
) -> tuple[int, list[Event], list[str]]:
    manifest = folder / "test.yml"
    manifest.write_text(f"{{name: smoke, backend: {{fork: prod}}, steps: {steps}}}")
    monkeypatch.setattr(live_test, "connect", lambda: _Connected(platform))
    app = Typer()
    app.command()(live_test.run)
    result = CliRunner().invoke(app, ["--test", str(manifest)])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], result.stderr.splitlines()


def test_a_test_that_passes_exits_with_0(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    status, events, _ = ran(FakePlatform(), monkeypatch, tmp_path)
    assert (status, events[-1]["type"]) == (0, "result")


def test_a_test_that_fails_exits_with_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    status, events, told = ran(FakePlatform(statuses=["failed"]), monkeypatch, tmp_path)
    assert (status, events[-1]["verdict"]) == (1, "failed")
    assert told == ["pie: d-1 is failed: no luck"]


def test_the_steps_that_failed_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    step = "[{expect_log: {vertex: count, matches: never, within: 0s}}]"
    _, _, told = ran(FakePlatform(), monkeypatch, tmp_path, step)
    assert told == ["pie: smoke has failed", "  - steps[0] expect_log: no line of 0 matches 'never'"]


def test_what_is_not_there_is_told_with_what_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    status, _, told = ran(FakePlatform(), monkeypatch, tmp_path, "[{expect_log: {vertex: cuont, matches: x}}]")
    assert (status, told[0]) == (1, "pie: steps[0]: the graph has no vertex cuont")
    assert told[1].startswith("  did you mean count? there are ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_rolls_the_lease_back(number: signal.Signals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    platform = _Interrupting(number)
    status, _, _ = ran(platform, monkeypatch, tmp_path, "[{expect_log: {vertex: count, matches: never, within: 5m}}]")
    assert (status, platform.lease_state) == (130, "rolled_back")


class _Interrupting(FakePlatform):
    """Sends the process a signal when a log is looked at."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(statuses=["running"], roles={})
        self._number: signal.Signals | None = number

    def lines(self, path: str, kind: type, *, tail: int):  # type: ignore[no-untyped-def, type-arg]
        if self._number is not None:
            os.kill(os.getpid(), self._number)
            self._number = None
        return iter(())
