import asyncio
import gc
import linecache
from pathlib import Path
from typing import Any

import pytest
from scripted_engine import Engine

from inferlet import _entry, set_return
from inferlet import _host as host
from inferlet.result import RESULT


@pytest.fixture(autouse=True)
def no_result() -> Any:
    yield
    RESULT.text = None


class Answer:
    def model_dump_json(self):
        return '{"modelled": true}'


@pytest.mark.parametrize(
    ("text", "value"),
    [('{"a": 1}', {"a": 1}), ("[1]", [1]), ('"x"', "x"), ("not json", {"input": "not json"}), ("", {"input": ""})],
)
def test_input_is_json_or_else_text(text: Any, value: Any) -> None:
    assert _entry.input_value(text) == value


@pytest.mark.parametrize(
    ("result", "text"),
    [(None, ""), ("text", "text"), ({"a": 1}, '{"a": 1}'), (3, "3"), (Answer(), '{"modelled": true}'), ({1j}, '"{1j}"')],
)
def test_results_are_text_or_else_json(result: Any, text: Any) -> None:
    assert _entry.enter(lambda _: result, "{}") == text


def test_a_value_set_on_the_way_is_returned_when_main_returns_nothing() -> None:
    assert _entry.enter(lambda _: set_return("set"), "{}") == "set"


def test_what_main_returns_wins_over_a_value_set_on_the_way() -> None:
    assert _entry.enter(lambda _: set_return("set") or "returned", "{}") == "returned"


def test_an_asynchronous_main_runs_on_the_guest_loop(engine: Engine) -> None:
    async def main(value):
        first, second = await asyncio.gather(asyncio.sleep(0, value["a"]), asyncio.sleep(0, 2))
        return first + second

    assert _entry.enter(main, '{"a": 1}') == "3"


def test_a_failure_comes_back_in_its_own_words_and_its_traceback_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def main(_):
        raise ValueError("out of flour")

    with pytest.raises(host.Err) as failure:
        _entry.enter(main, "{}")
    assert failure.value.value == "out of flour"
    printed = capsys.readouterr().err
    assert printed.startswith(f'Traceback (most recent call last):\n  File "{__file__}"')
    assert 'raise ValueError("out of flour")' in printed


def test_the_traceback_of_an_asynchronous_main_begins_in_it_too(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    async def main(_):
        raise ValueError("out of flour")

    with pytest.raises(host.Err):
        _entry.enter(main, "{}")
    assert capsys.readouterr().err.startswith(f'Traceback (most recent call last):\n  File "{__file__}"')


def test_a_failure_without_words_is_called_by_its_class(capsys: pytest.CaptureFixture[str]) -> None:
    def main(_):
        raise KeyError

    with pytest.raises(host.Err) as failure:
        _entry.enter(main, "{}")
    assert failure.value.value == "KeyError"


def test_a_result_with_half_a_character_is_a_failure_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(host.Err) as failure:
        _entry.enter(lambda _: "\ud83c", "{}")
    assert "surrogates not allowed" in failure.value.value


def test_a_failure_with_half_a_character_can_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    def main(_):
        raise ValueError("\ud83c")

    with pytest.raises(host.Err) as failure:
        _entry.enter(main, "{}")
    assert failure.value.value == "\\ud83c"


def test_exiting_without_a_complaint_is_no_failure() -> None:
    def main(_):
        set_return("done")
        raise SystemExit(0)

    assert _entry.enter(main, "{}") == "done"


def test_exiting_with_a_complaint_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    def main(_):
        raise SystemExit("no prompt given")

    with pytest.raises(host.Err) as failure:
        _entry.enter(main, "{}")
    assert failure.value.value == "no prompt given"


def test_files_of_the_program_are_called_by_their_names() -> None:
    code = compile("def main(_):\n    raise RuntimeError('x')", "/0/tools/main.py", "exec")
    names = {}
    exec(code, names)
    with pytest.raises(RuntimeError) as failure:
        names["main"](None)
    assert 'File "tools/main.py", line 2' in _entry.failure_text(failure.value)


@pytest.mark.parametrize("main", [lambda: 0, lambda a, b: 0, lambda *, a: 0])
def test_a_main_that_cannot_take_the_input_is_refused(main: Any) -> None:
    with pytest.raises(TypeError, match="exactly one argument"):
        _entry.check(main)


def test_a_main_that_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a function, not str"):
        _entry.check("main")


@pytest.mark.parametrize("main", [lambda a: 0, lambda a, b=1: 0, lambda *a: 0])
def test_a_main_that_can_take_the_input_is_fine(main: Any) -> None:
    _entry.check(main)


def test_preparing_keeps_the_source_for_tracebacks_and_asyncio_run_working(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "main.py"
    source.write_text("a = 1\n")
    monkeypatch.setattr(asyncio.events, "new_event_loop", asyncio.events.new_event_loop)
    try:
        _entry.prepare([str(source)])
        source.unlink()
        linecache.checkcache()
        assert linecache.getline(str(source), 1) == "a = 1\n"
        assert asyncio.run(asyncio.sleep(0, "slept")) == "slept"
    finally:
        gc.unfreeze()
        asyncio.set_event_loop(None)
