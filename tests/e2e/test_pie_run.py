"""`pie run` as a person or a script uses it: real processes, pipes, terminals, signals."""

import json
import os
import signal
from pathlib import Path

import pytest
from e2e import components, random_model
from e2e.command import Command, Done, descendants
from e2e.conftest import PROGRAMS, model_without_weights

from pie.config.home import Home

pytestmark = pytest.mark.slow

TALK = PROGRAMS / "talk"
MANIFEST = '[package]\nname = "echo"\nversion = "0.1.0"\n'


def write_config(folder: Path, model: Path, driver: str) -> Path:
    path = folder / "config.toml"
    path.write_text(f'[[model]]\nname = "m"\nhf_repo = "{model}"\n[model.driver]\ntype = "{driver}"\noptions.kv_cache_mb = 16\n')
    return path


@pytest.fixture(scope="module")
def dummy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with a model that needs no worker."""
    folder = tmp_path_factory.mktemp("dummy")
    return write_config(folder, model_without_weights(folder), "dummy")


@pytest.fixture
def pie(home: Home, tmp_path: Path) -> Command:
    """`pie` with the tests' home, its temporary files and current folder in a place of their own, and a mark to find it by."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "here").mkdir()
    changes = {"PIE_HOME": str(home.root), "TMPDIR": str(tmp_path / "temporary"), "PIE_TEST_MARK": str(tmp_path)}
    return Command({**os.environ, **changes}, tmp_path / "here")


@pytest.fixture(autouse=True)
def clean(pie: Command, tmp_path: Path) -> object:
    """Whatever a test does, no OS process and no temporary file is left."""
    yield
    assert not descendants(f"PIE_TEST_MARK={tmp_path}")
    assert not list((tmp_path / "temporary").iterdir())


# --- What is run ---


def test_a_saved_context_is_there_in_the_next_run(pie: Command, dummy: Path) -> None:
    first = pie("run", "persistent-kv", "-c", dummy, "--mode", "save", "--max-tokens", "4")
    second = pie("run", "persistent-kv", "-c", dummy, "--mode", "open", "--max-tokens", "4")
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert json.loads(second.out)[0]["tokens_reused"] > 0
    assert "no saved context" in pie("run", "persistent-kv", "-c", dummy, "--mode", "open").err


def test_an_example_by_name(pie: Command, dummy: Path) -> None:
    for name in ("helloworld", "helloworld@0.1.0", "helloworld@latest"):
        done = pie("run", name, "-c", dummy, "--name", "Ada")
        assert (done.code, done.out) == (0, "Hello, Ada!\n"), done.err
        assert "models m" in done.err


def test_a_folder_by_path_or_by_its_name_here(pie: Command, dummy: Path) -> None:
    (pie.folder / "mine").symlink_to(TALK)
    for target in (str(TALK), "./mine", "mine"):
        done = pie("run", target, "-c", dummy)
        assert (done.code, done.out) == (0, "{}\n"), done.err


def test_a_file(pie: Command, dummy: Path) -> None:
    (pie.folder / "single.py").write_text("def main(input):\n    return input\n")
    done = pie("run", "single.py", "-c", dummy, "--a", "1")
    assert (done.code, done.out) == (0, '{"a": 1}\n'), done.err


def test_a_component_with_its_manifest(pie: Command, dummy: Path) -> None:
    (pie.folder / "echo.wasm").write_bytes(components.echo())
    (pie.folder / "Pie.toml").write_text(MANIFEST)
    done = pie("run", "--path", "echo.wasm", "--manifest", "Pie.toml", "-c", dummy, "positional", "--key", "value")
    assert (done.code, json.loads(done.out)) == (0, {"key": "value", "_positional": ["positional"]}), done.err


def test_arguments_become_the_input(pie: Command, dummy: Path) -> None:
    done = pie("run", TALK, "-c", dummy, "--some-key", "v", "--count", "-3", "-k", "0.5", "--flag", "--equals=-x", "plain")
    assert json.loads(done.out) == {"some_key": "v", "count": -3, "k": 0.5, "flag": True, "equals": "-x", "_positional": ["plain"]}


def test_after_two_dashes_even_what_looks_like_ours_is_the_programs(pie: Command, dummy: Path) -> None:
    done = pie("run", "-c", dummy, TALK, "--", "--json", "--input", "5", "-q", "x", "--", "--key")
    assert json.loads(done.out) == {"json": True, "input": 5, "q": "x", "_positional": ["--key"]}


def test_input_is_json(pie: Command, dummy: Path) -> None:
    done = pie("run", TALK, "-c", dummy, "--input", '{"nested": [1, {"x": null}]}')
    assert json.loads(done.out) == {"nested": [1, {"x": None}]}


# --- What comes out ---


def test_in_a_pipe_stdout_carries_the_return_value_alone(pie: Command, dummy: Path) -> None:
    done = pie("run", TALK, "-c", dummy, "--do", "print_and_send")
    assert (done.code, done.out) == (0, "the value\n")
    assert "a print\na complaint\n" in done.err
    assert "a message" not in done.err


def test_quiet_leaves_out_everything_but_the_value(pie: Command, dummy: Path) -> None:
    assert pie("run", TALK, "-c", dummy, "-q", "--do", "print_and_send") == Done(0, "the value\n", "")


def test_what_the_program_prints_may_go_to_stdout(pie: Command, dummy: Path) -> None:
    done = pie("run", TALK, "-c", dummy, "--stdout", "--do", "print_and_send")
    assert done.out == "a print\nthe value\n"
    assert "a complaint\n" in done.err


def test_json_is_one_object_with_everything(pie: Command, dummy: Path) -> None:
    found = json.loads(pie("run", TALK, "-c", dummy, "--json", "--do", "print_and_send").out)
    assert found.pop("elapsed_s") > 0
    assert found == {"return": "the value", "messages": ["a message"]}
    done = pie("run", TALK, "-c", dummy, "--json", "--do", "fail")
    assert (done.code, json.loads(done.out)["error"]) == (1, "the guest's own words")


def test_on_a_terminal_the_text_is_shown_as_it_comes_and_once(pie: Command, dummy: Path) -> None:
    with pie.on_terminal("run", TALK, "-c", dummy, "-q", "--do", "stream") as terminal:
        assert terminal.end() == 0
    assert terminal.seen == "one two three\r\n"
    assert len(terminal.arrivals) >= 3


def test_on_a_terminal_a_spinner_shows_what_is_waited_for(pie: Command, dummy: Path) -> None:
    with pie.on_terminal("run", TALK, "-c", dummy) as terminal:
        terminal.until("loading talk@0.1.0 and the model")
        terminal.until("{}\r\n")
        assert terminal.end() == 0


def test_a_reader_that_leaves_is_no_crash(pie: Command, dummy: Path) -> None:
    with pie.start("run", TALK, "-c", dummy, "-q") as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait(60) == 1


# --- What goes in ---


def test_lines_of_stdin_reach_the_program(pie: Command, dummy: Path) -> None:
    lines = [f"line {number}" for number in range(3000)]
    done = pie("run", TALK, "-c", dummy, "-i", "--do", "receive_lines", given="\n".join(lines))
    assert json.loads(done.out) == lines


def test_without_interactive_there_is_nothing_to_receive(pie: Command, dummy: Path) -> None:
    assert pie("run", TALK, "-c", dummy, "-q", "--do", "receive_lines", given="not read") == Done(0, "[]\n", "")


def test_a_program_that_ends_does_not_wait_for_the_end_of_stdin(pie: Command, dummy: Path) -> None:
    with pie.start("run", TALK, "-c", dummy, "-i", "-q") as child:
        assert child.wait(60) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_a_conversation_on_a_terminal(pie: Command, dummy: Path) -> None:
    with pie.on_terminal("run", TALK, "-c", dummy, "-i", "--do", "receive_lines") as terminal:
        terminal.until("loading")
        terminal.type("hello\nthere\n\x04")
        terminal.until('["hello", "there"]')
        assert terminal.end() == 0


# --- What goes wrong ---


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "what to run?"),
        (["--path", "x.wasm"], "--path needs --manifest"),
        (["helloworld", "--input", "{}", "--key"], "--input and arguments for the program exclude each other"),
        (["helloworld", "--input", "{not json"], "--input is not JSON"),
        (["helloworld", "--input", '"\udcff"'], "not valid UTF-8"),
        (["helloworld", "--key", "\udcff"], "not valid UTF-8"),
    ],
)
def test_a_wrong_call_exits_with_2(pie: Command, arguments: list[str], words: str) -> None:
    done = pie("run", *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in " ".join(done.err.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["text-completoin"], "no program 'text-completoin'; did you mean 'text-completion'?"),
        (["./nowhere"], "nowhere: there is no such file or folder"),
        (["x.wasm"], "a component needs its manifest: --path x.wasm --manifest Pie.toml"),
        (["helloworld@9.9.9"], "no version 9.9.9 of 'helloworld' here, only 0.1.0"),
        (["--path", "x.wasm", "--manifest", "Pie.toml"], "Pie.toml: there is no such file"),
    ],
)
def test_what_cannot_be_found_is_one_line_and_exits_with_1(pie: Command, dummy: Path, arguments: list[str], words: str) -> None:
    done = pie("run", "-q", "-c", str(dummy), *arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("pie: ")
    assert words in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("async def main(input):\n    retrun 5\n", "broken.py:2: syntax error"),
        ("import numpy\ndef main(input):\n    pass\n", "broken.py:1: cannot import 'numpy'"),
        ("def mian(input):\n    pass\n", "broken.py: has no function `main`"),
        ("def main():\n    pass\n", "broken.py:1: `main` must take exactly one argument"),
    ],
)
def test_a_broken_source_file_is_shown_with_its_line(pie: Command, dummy: Path, source: str, words: str) -> None:
    (pie.folder / "broken.py").write_text(source)
    done = pie("run", "-q", "-c", dummy, "broken.py")
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert "Traceback" not in done.err


def test_an_exception_of_the_program_shows_its_traceback(pie: Command, dummy: Path) -> None:
    done = pie("run", TALK, "-c", dummy, "--do", "fail")
    assert (done.code, done.out) == (1, "")
    assert "Traceback (most recent call last):" in done.err
    assert 'File "main.py", line' in done.err
    assert 'raise ValueError("the guest\'s own words")' in done.err
    assert done.err.endswith("pie run: the guest's own words\n")


def test_a_wrong_manifest_and_a_broken_component_are_named(pie: Command, dummy: Path) -> None:
    (pie.folder / "echo.wasm").write_bytes(components.echo()[:-30])
    for manifest, words in ((MANIFEST, "no valid WebAssembly component"), ("", "Pie.toml: package: is missing")):
        (pie.folder / "Pie.toml").write_text(manifest)
        done = pie("run", "-q", "-c", dummy, "--path", "echo.wasm", "--manifest", "Pie.toml")
        assert (done.code, done.out) == (1, "")
        assert words in done.err


def test_a_model_that_cannot_be_served_is_named(pie: Command, tmp_path: Path) -> None:
    broken = random_model.write(tmp_path / "model")
    random_model.set_tensor(broken, "model.norm.weight", None)
    done = pie("run", "-q", TALK, "-c", write_config(tmp_path, broken, "torch"))
    assert done == Done(1, "", "pie: tensor model.norm.weight is missing\n")
    done = pie("run", "-q", TALK, "-c", write_config(tmp_path, Path("no-such"), "torch"))
    assert done.code == 1
    assert "no model 'no-such'" in done.err


def test_a_wrong_key_in_the_configuration_is_named(pie: Command, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[runtime]\nallow_f = true\n")
    done = pie("run", TALK, "-c", tmp_path / "config.toml")
    assert done.code == 1
    assert "runtime.allow_f: unknown key; did you mean `allow_fs`?" in done.err


# --- Ctrl-C ---


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_a_running_program(pie: Command, dummy: Path, number: signal.Signals) -> None:
    with pie.start("run", TALK, "-c", dummy, "--do", "wait") as child:
        assert child.stderr is not None
        while child.stderr.readline() != "waiting\n":
            pass
        child.send_signal(number)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (130, "")
    assert err == "pie run: the process was terminated\n"


def test_ctrl_c_on_a_terminal_ends_a_running_program_and_its_worker(pie: Command, tmp_path: Path) -> None:
    config = write_config(tmp_path, random_model.write(tmp_path / "model"), "torch")
    with pie.on_terminal("run", TALK, "-c", config, "--do", "wait") as terminal:
        terminal.until("waiting\r\n")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.seen


def test_ctrl_c_ends_a_build(pie: Command, dummy: Path, tmp_path: Path) -> None:
    (pie.folder / "new.py").write_text(f"def main(input):\n    return {str(tmp_path)!r}  # never built before\n")
    with pie.on_terminal("run", "-c", dummy, "new.py") as terminal:
        terminal.until("building new@0.1.0")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.seen


def test_ctrl_c_ends_the_loading_of_program_and_model(pie: Command, tmp_path: Path) -> None:
    config = write_config(tmp_path, random_model.write(tmp_path / "model"), "torch")
    with pie.on_terminal("run", TALK, "-c", config, "--do", "wait") as terminal:
        terminal.until("loading talk@0.1.0 and the model")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.seen


def test_whoever_insists_gets_out_at_once(pie: Command, dummy: Path) -> None:
    with pie.start("run", TALK, "-c", dummy, "--do", "wait") as child:
        assert child.stderr is not None
        while child.stderr.readline() != "waiting\n":
            pass
        child.send_signal(signal.SIGINT)
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 130
