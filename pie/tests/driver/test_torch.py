"""The torch driver and its child: starting, dying, coming back, closing."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from batches import batch, request, tokens_of
from pie.driver.messages import WorkerConfig
from pie.driver.torch import TorchDriver
from pie.errors import DriverError, DriverLostError, ModelError
from random_models import edit_config, write_random_model

pytestmark = pytest.mark.slow  # every test starts a worker of its own, some several

PROMPT = [1, 2, 3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    write_random_model(path, "qwen3")
    return path


def config(folder: Path, **others: object) -> WorkerConfig:
    return WorkerConfig(str(folder), **{"threads": 1, "kv_cache_bytes": 1 << 24, **others})  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def driver(folder: Path) -> AsyncIterator[TorchDriver]:
    one = TorchDriver(config(folder))
    await one.start()
    yield one
    await one.close()


def is_alive(process_id: int) -> bool:
    """Whether there is such a process, other than one that waits for being reaped."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def listing(folder: Path) -> list[tuple[str, int]]:
    """Names and modes of what is in a folder."""
    return [(path.name, path.stat().st_mode) for path in folder.iterdir()]


async def is_gone_soon(process_id: int) -> bool:
    for _ in range(200):
        if not is_alive(process_id):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_killed_worker_fails_what_waits_and_comes_back(driver: TorchDriver) -> None:
    waiting = [asyncio.ensure_future(driver.forward(batch(request(1, PROMPT * 8, steps=32)))) for _ in range(2)]
    await asyncio.sleep(0)
    assert driver.process_id is not None
    os.kill(driver.process_id, signal.SIGKILL)
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(error) for error in errors} == {DriverLostError}
    assert "SIGKILL" in str(errors[0])
    assert driver.generation == 2
    result = await driver.forward(batch(request(1, PROMPT)))
    assert len(tokens_of(result.outputs[0])) == 1


async def test_a_new_worker_knows_no_old_sequences(driver: TorchDriver) -> None:
    await driver.forward(batch(request(1, PROMPT)))
    os.kill(driver.process_id or 0, signal.SIGTERM)
    while driver.generation == 1:
        await asyncio.sleep(0.01)
    with pytest.raises(DriverError, match="no last token"):
        await driver.forward(batch(request(1, cached=3)))


async def test_a_worker_that_does_not_come_back_breaks_the_driver(tmp_path: Path) -> None:
    async def no_pause(_: float) -> None:
        """The attempts follow at once."""

    write_random_model(tmp_path, "qwen3")
    driver = TorchDriver(config(tmp_path), sleep=no_pause)
    await driver.start()
    (tmp_path / "config.json").unlink()
    os.kill(driver.process_id or 0, signal.SIGKILL)
    while driver.generation == 1:
        await asyncio.sleep(0.01)
    for _ in range(2):
        with pytest.raises(DriverLostError, match=r"attempts.*config\.json"):
            await driver.forward(batch(request(1, PROMPT)))
    await driver.close()


async def test_closing_ends_the_child(folder: Path) -> None:
    driver = TorchDriver(config(folder))
    await driver.start()
    process_id = driver.process_id
    await driver.close()
    assert process_id is not None
    assert not is_alive(process_id)


async def test_the_sockets_folder_is_private_and_gone_once_the_two_have_met(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    driver = TorchDriver(config(folder))
    starting = asyncio.ensure_future(driver.start())
    await asyncio.sleep(0)
    assert [mode & 0o777 for _, mode in listing(tmp_path)] == [0o700]
    await starting
    assert listing(tmp_path) == []
    await driver.close()


async def test_closing_fails_what_waits(driver: TorchDriver) -> None:
    waiting = asyncio.ensure_future(driver.forward(batch(request(1, PROMPT, steps=32))))
    await asyncio.sleep(0)
    await driver.close()
    assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], DriverError)


async def test_a_worker_does_not_outlive_an_engine_that_is_killed(folder: Path) -> None:
    program = f"""
import asyncio
from pie.driver.messages import WorkerConfig
from pie.driver.torch import TorchDriver
async def main():
    driver = TorchDriver(WorkerConfig({str(folder)!r}, threads=1, kv_cache_bytes=1 << 24))
    await driver.start()
    print(driver.process_id, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    engine = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert engine.stdout is not None
    worker_id = int(await engine.stdout.readline())
    assert is_alive(worker_id)
    engine.kill()
    await engine.wait()
    assert await is_gone_soon(worker_id)


async def test_a_worker_is_not_in_the_terminals_process_group(driver: TorchDriver) -> None:
    assert driver.process_id is not None
    assert os.getsid(driver.process_id) == driver.process_id


async def test_a_model_that_cannot_be_loaded_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        await TorchDriver(config(tmp_path / "nowhere")).start()
    write_random_model(tmp_path, "qwen3")
    edit_config(tmp_path, vocab_size=161)
    with pytest.raises(ModelError, match=r"model\.embed_tokens\.weight .* \[160, 48\].* \[161, 48\]"):
        await TorchDriver(config(tmp_path)).start()


async def test_a_device_that_is_not_there_is_a_driver_error(folder: Path) -> None:
    driver = TorchDriver(config(folder, device="cuda:7"))
    with pytest.raises(DriverError, match="cuda:7"):
        await driver.start()


async def test_a_worker_that_dies_while_it_starts_is_reported_with_its_last_words(folder: Path) -> None:
    driver = TorchDriver(config(folder, page_size=0))
    with pytest.raises(DriverError, match=r"(?s)could not be started: .* exit code 1: .*ZeroDivisionError"):
        await driver.start()
