"""What the author's objects say where there is no container, and what `run` refuses."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

import pie_component
from pie_component.author import Plan
from pie_component.errors import ConfigError, NotInContainerError, PreconditionError
from pie_component.virtual import VirtualInput, VirtualOutput


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda: pie_component.run(print), id="run"),
        pytest.param(lambda: pie_component.generated("report"), id="generated"),
        pytest.param(pie_component.cache_folder, id="cache"),
        pytest.param(lambda: pie_component.config.level, id="config"),
        pytest.param(lambda: pie_component.files.words, id="files"),
        pytest.param(lambda: pie_component.endpoint.emit("news", 1), id="emit"),
    ],
)
def test_what_needs_a_container_says_so(use: Any) -> None:
    with pytest.raises(NotInContainerError, match=r"test|run yet"):
        use()


def test_everything_that_is_offered_is_there() -> None:
    assert all(hasattr(pie_component, name) for name in pie_component.__all__)
    assert not hasattr(pie_component, "nothing")


@pytest.mark.parametrize("slot", ["", ".", "..", "a/b", "a\0"])
def test_a_generated_file_stays_in_its_folder(slot: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("pie_component.author.author.generated_folder", tmp_path)
    with pytest.raises(ConfigError):
        pie_component.generated(slot)


async def several(value: int) -> AsyncIterator[int]:
    yield value


@pytest.mark.parametrize("options", [{"has_state": True}, {"initial_pull_request": (1,)}, {"concurrency": 0}])
def test_an_async_function_has_calls_that_overlap(options: dict[str, Any]) -> None:
    assert Plan(function=several).is_async
    with pytest.raises(PreconditionError):
        Plan(function=several, **options)


def test_a_full_virtual_input_lets_the_pusher_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pie_component.virtual.VIRTUAL_MESSAGES_MAX", 2)
    virtual_input = VirtualInput()
    assert virtual_input.push(1)
    assert virtual_input.push(2, correlation=5)
    assert not virtual_input.push(3, timeout_s=0.01)
    assert list(virtual_input.queue) == [(0, 1), (5, 2)]


def test_a_virtual_output_keeps_values_for_who_gets_them() -> None:
    virtual_output = VirtualOutput()
    virtual_output.push(1)
    assert virtual_output.get() == 1
    with pytest.raises(TimeoutError):
        virtual_output.get(timeout_s=0.01)
