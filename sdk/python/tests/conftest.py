"""Puts the scripted engine where the generated bindings would be, before anything imports the SDK."""

import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "fakes"))

from scripted_engine import Engine, Run, install

from inferlet._loop import GuestLoop

_RETURNED = ("Pollable", "FutureOutput", "FutureText", "FutureFile", "FutureResult", "IncomingFile", "OutgoingFile")


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A fresh engine. Whatever a test does, the program gives every pollable and future back."""
    fresh = install(Engine())
    yield fresh
    assert not any(fresh.live[kind] for kind in _RETURNED)


@pytest.fixture
def run(engine: Engine) -> Run:
    """Runs a coroutine as a program would: on the guest's loop, by the engine's virtual clock."""

    def run_on_guest_loop(main: Coroutine[Any, Any, Any]) -> Any:
        loop = GuestLoop(clock=lambda: engine.now_ns / 1e9)
        try:
            return loop.run_until_complete(main)
        finally:
            loop.close()

    return run_on_guest_loop


@pytest.fixture
def model(engine: Engine) -> Any:
    from inferlet import Model

    return Model.load("fake")
