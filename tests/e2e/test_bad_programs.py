"""Programs that are none: each is refused in plain words, and the engine goes on serving."""

import asyncio
import json
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from e2e import components
from e2e.conftest import PROGRAMS, dummy_config, installed, model_without_weights, program

from pie.config.home import Home
from pie.engine.engine import Engine
from pie.errors import ManifestError, ProgramError
from pie.programs.resolve import from_files

MANIFEST = '[package]\nname = "echo"\nversion = "0.1.0"\n'


async def serves(engine: Engine) -> bool:
    """Whether the engine still runs a program."""
    echo = await engine.install(program(components.echo(), "echo"))
    return (await engine.launch(echo, "still here").outcome()).value == "still here"


@pytest.mark.parametrize(
    ("wasm", "words"),
    [
        (b"", "is not a WebAssembly component"),
        (b"print('hello')", "is not a WebAssembly component"),
        (components.module(), "is a core WebAssembly module"),
        (components.echo()[:-40], "no valid WebAssembly component"),
        (components.echo().replace(b"memory", b"m\xffmory"), "no valid WebAssembly component"),
        (components.component(""), "exports nothing, an inferlet exports pie:<name>/run"),
        (components.echo(run="wasi:cli/run@0.2.0"), "exports wasi:cli/run@0.2.0, an inferlet exports pie:<name>/run"),
        (components.echo(function="walk"), "No 'run' interface found"),
        (components.run_of_another_type(), "another type than run: func(input: string) -> result<string, string>"),
        (
            components.echo(imports='(import "other:world/things@1.0.0" (instance (export "use" (func))))'),
            "imports what this engine does not provide: other:world/things@1.0.0",
        ),
        (components.echo(imports='(import "do-it" (func))'), "imports what this engine does not provide: do-it"),
    ],
)
async def test_what_is_no_program_is_refused_in_plain_words(dummy_engine: Engine, wasm: bytes, words: str) -> None:
    with pytest.raises(ProgramError) as caught:
        await dummy_engine.install(program(wasm))
    assert words in caught.value.message
    assert await serves(dummy_engine)


@pytest.mark.slow
async def test_a_built_program_that_arrives_in_part_is_refused(dummy_engine: Engine, home: Home) -> None:
    await installed(dummy_engine, home, "helloworld")
    wasm = next(home.built.glob("*.wasm")).read_bytes()
    for size in (100, len(wasm) // 2, len(wasm) - 1):
        with pytest.raises(ProgramError, match="no valid WebAssembly component"):
            await dummy_engine.install(program(wasm[:size]))
    assert await serves(dummy_engine)


async def test_a_program_that_needs_more_memory_than_it_may_have_fails_alone(dummy_engine: Engine) -> None:
    large = await dummy_engine.install(program(components.echo(pages=8192)))  # 512 MiB of the 256 that one guest may take
    event = await dummy_engine.launch(large, "").outcome()
    assert event.kind == "error"
    assert "memory" in event.value
    assert await serves(dummy_engine)


@pytest.mark.parametrize(
    ("manifest", "key"),
    [
        ("", "package: is missing"),
        ('[package]\nversion = "0.1.0"\n', "package.name: is missing"),
        ('[package]\nname = "echo"\n', "package.version: is missing"),
        (MANIFEST.replace("echo", "../echo"), "package.name: must be letters"),
        (MANIFEST.replace("echo", "a/b"), "package.name: must be letters"),
        (MANIFEST.replace("echo", ".."), "package.name: must be letters"),
        (MANIFEST.replace("0.1.0", "../1"), "package.version: must be major.minor.patch"),
        (MANIFEST + '[dependencies]\n"../x" = "0.1.0"\n', "dependencies"),
        ("[package", "not valid TOML"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_file_and_key(tmp_path: Path, manifest: str, key: str) -> None:
    (tmp_path / "echo.wasm").write_bytes(components.echo())
    (tmp_path / "Pie.toml").write_text(manifest)
    with pytest.raises(ManifestError) as caught:
        from_files(tmp_path / "echo.wasm", tmp_path / "Pie.toml")
    assert caught.value.message.startswith(f"{tmp_path}/Pie.toml: {key}")


@pytest.mark.slow
async def test_input_that_is_not_json_reaches_the_program_as_text(dummy_engine: Engine, home: Home) -> None:
    talk = await installed(dummy_engine, home, PROGRAMS / "talk")
    for text in ("no { JSON", "", "\0", '"a lone quote'):
        event = await dummy_engine.launch(talk, text).outcome()
        assert (event.kind, json.loads(event.value)) == ("return", {"input": text})


@pytest.mark.slow
@pytest.mark.parametrize(("text", "words"), [("5", "'int' object has no attribute 'get'"), ("[" * 100_000, "recursed too deeply")])
async def test_input_of_another_shape_fails_the_program_alone(dummy_engine: Engine, home: Home, text: str, words: str) -> None:
    talk = await installed(dummy_engine, home, PROGRAMS / "talk")
    event = await dummy_engine.launch(talk, text).outcome()
    assert event.kind == "error"
    assert words in event.value
    assert await serves(dummy_engine)


# --- The folder for compiled programs ---


@pytest.fixture
async def engine_at(tmp_path: Path) -> AsyncIterator[Callable[[Home], Engine]]:
    """Engines with homes of their own."""
    (tmp_path / "model").mkdir()
    config = dummy_config(model_without_weights(tmp_path / "model"))
    engines: list[Engine] = []

    def make(home: Home) -> Engine:
        engines.append(Engine(config, home))
        return engines[-1]

    yield make
    for engine in engines:
        await engine.close()


async def test_a_home_that_cannot_be_written_only_costs_time(
    engine_at: Callable[[Home], Engine], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    engine = engine_at(Home(tmp_path / "home"))
    await engine.start()
    assert await serves(engine)
    assert await serves(engine)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the compile cache cannot be used" in caplog.text


async def test_engines_that_compile_the_same_program_share_the_result(engine_at: Callable[[Home], Engine], tmp_path: Path) -> None:
    engines = [engine_at(Home(tmp_path / "home")) for _ in range(4)]
    await asyncio.gather(*(engine.start() for engine in engines))
    assert all(await asyncio.gather(*(serves(engine) for engine in engines)))
    assert [path.suffix for path in Home(tmp_path / "home").compiled.iterdir()] == [".cwasm"]


def pie_run(tmp_path: Path, home: Path, *, file_bytes_max: int | None = None) -> "subprocess.Popen[str]":
    """The echo program in an engine of its own; no file that it writes may be larger than this, as if the disk were full."""
    (tmp_path / "echo.wasm").write_bytes(components.echo())
    (tmp_path / "Pie.toml").write_text(MANIFEST)
    model = tmp_path / "model"
    model.mkdir(exist_ok=True)
    model_without_weights(model)
    (tmp_path / "config.toml").write_text(f'[[model]]\nname = "m"\nhf_repo = "{model}"\n[model.driver]\ntype = "dummy"\n')
    files = ["--path", f"{tmp_path}/echo.wasm", "--manifest", f"{tmp_path}/Pie.toml", "--config", f"{tmp_path}/config.toml"]

    def limit() -> None:
        if file_bytes_max is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))

    return subprocess.Popen(
        [sys.executable, "-c", "from pie_cli.main import main; main()", "run", *files, "--input", '"hello"', "-q"],
        env={**os.environ, "PIE_HOME": str(home)},
        preexec_fn=limit,  # noqa: PLW1509 - no threads here
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_on_a_full_disk_a_program_still_runs_and_nothing_half_written_stays(tmp_path: Path) -> None:
    with pie_run(tmp_path, tmp_path / "home", file_bytes_max=1000) as run:
        out, err = run.communicate(timeout=120)
    assert (run.returncode, out) == (0, '"hello"\n'), err
    assert "File too large" in err
    assert not list(Home(tmp_path / "home").compiled.iterdir())


@pytest.mark.slow
def test_two_engines_in_two_processes_may_fill_one_folder_at_the_same_time(tmp_path: Path) -> None:
    runs = [pie_run(tmp_path, tmp_path / "home") for _ in range(2)]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert [(run.returncode, out, err) for run, (out, err) in zip(runs, outputs, strict=True)] == [(0, '"hello"\n', "")] * 2
    assert [path.suffix for path in Home(tmp_path / "home").compiled.iterdir()] == [".cwasm"]
