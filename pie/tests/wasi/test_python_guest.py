"""A real component, built by componentize-py, in the real sandbox."""

import asyncio
import json
import random
import time

import pytest

from pie.errors import GuestError
from pie.sandbox.interface import GuestExit
from pie.wasi.scratch import Scratch
from pie.wasi.sinks import CaptureSink
from pie.wasi.streams import BytesInput, SinkOutput
from wasi.fakes import FullSink, ShiftedClock, process

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@pytest.fixture
def scratch(tmp_path):
    (tmp_path / "secret").write_text("secret")
    made = Scratch(tmp_path / "scratch", size_bytes_max=8 << 20)
    yield made
    made.remove()


async def test_time_sleep_suspends_only_its_guest(python):
    async def turn_until(done):
        turns = 0
        while not done.done():
            await asyncio.sleep(0.001)
            turns += 1
        return turns

    sleeping = asyncio.gather(*[python.tell(process(), "sleep", seconds=0.2) for _ in range(4)])
    turns, slept = await asyncio.gather(turn_until(sleeping), sleeping)
    assert min(slept) >= 0.2
    assert turns > 20


async def test_prints_reach_their_sinks(python):
    out, error = CaptureSink(), CaptureSink()
    await python.tell(process(stdout=SinkOutput(out), stderr=SinkOutput(error)), "say", text="schöner Tag", error_text="oh")
    assert (out.text, error.text) == ("schöner Tag\n", "oh")


async def test_a_guest_that_prints_more_than_fits_waits_for_its_reader(python):
    sink = FullSink(100)
    telling = asyncio.ensure_future(python.tell(process(stdout=SinkOutput(sink)), "say_lines", count=50, size=40))
    received = b""
    while not telling.done():
        await asyncio.sleep(0.001)
        assert len(sink.held) <= 100 + 40  # the last line may stick out
        received += sink.take()
    await telling
    received += sink.take()
    assert [int(line[:6]) for line in received.splitlines()] == list(range(50))


async def test_a_guest_may_print_more_than_one_grant(python):
    sink = CaptureSink()
    await python.tell(process(stdout=SinkOutput(sink)), "say", text="x" * 300_000)
    assert len(sink.data) == 300_001


async def test_input_can_be_given(python):
    assert await python.tell(process(stdin=BytesInput(b"typed\n" * 10_000)), "read_input") == "typed\n" * 10_000
    assert await python.tell(process(), "read_input") == ""


async def test_the_wall_clock_is_that_of_the_process(python):
    assert await python.tell(process(clock=ShiftedClock()), "clock") == 1_000_000_000.5
    assert abs(await python.tell(process(), "clock") - time.time()) < 30


async def test_guests_draw_from_the_entropy_of_their_process(python):
    one, two = [await python.tell(process(entropy=random.Random(seed).randbytes), "draw", size=8) for seed in (1, 2)]
    assert one[0] != two[0] and one[1] != two[1]


async def test_a_guest_sees_no_variables_and_no_files(python):
    variables, _, folder = await python.tell(process(), "surroundings")
    assert "PATH" not in variables and "HOME" not in variables
    assert folder == "/"
    for path in ("/etc/passwd", "/scratch/x", "x", "../x"):
        assert (await python.tell(process(), "try_open", path=path)).startswith("E")
    assert (await python.tell(process(), "try_open", path="/scratch/x", mode="w")).startswith("E")
    assert (await python.tell(process(), "try_list", path="/etc")).startswith("E")


async def test_scratch_holds_files_as_python_expects(python, scratch):
    saw = await python.tell(process(scratch=scratch), "use_scratch")
    assert saw == {
        "lines": ["line 1", "line 2", "line 3"],
        "size": 21,
        "truncated": 7,
        "through_link": "line X\n",
        "link": "b/moved.txt",
        "same": True,
        "modified": 2.0,
        "tree": ["/scratch/a/b/moved.txt", "/scratch/a/b/second.txt", "/scratch/a/link"],
        "big": 3_000_000,
        "left": [],
    }
    assert scratch.statistics().size_bytes == 0
    assert scratch.statistics().descriptors == 0


async def test_no_way_leads_out_of_scratch(python, scratch, tmp_path):
    seen = await python.tell(process(scratch=scratch), "try_escapes", secret=str(tmp_path / "secret"))
    assert "secret" not in json.dumps(list(seen.values()))
    assert "root:" not in json.dumps(seen)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scratch", "secret"]
    assert (tmp_path / "secret").read_text() == "secret"


async def test_scratch_is_bounded(python, scratch):
    assert await python.tell(process(scratch=scratch), "fill_scratch", size=64 << 20) == "EIO"
    assert scratch.statistics().size_bytes <= 8 << 20


async def test_the_network_is_refused(python):
    assert await python.tell(process(), "try_network") == ["PermissionError"] * 3


@pytest.mark.parametrize("action", ["leave", "leave_now"])
@pytest.mark.parametrize("code, seen", [(0, 0), (3, 1)])
async def test_exit_ends_the_guest(python, action, code, seen):
    """The C library under Python tells only success from failure."""
    with pytest.raises(GuestExit) as caught:
        await python.tell(process(), action, code=code)
    assert caught.value.code == seen


async def test_polling_nothing_traps(python):
    with pytest.raises(GuestError, match="empty list"):
        await python.tell(process(), "poll_nothing")


@pytest.mark.parametrize("size", [1 << 21, 1 << 40])
async def test_too_many_random_bytes_trap(python, size):
    with pytest.raises(GuestError, match="random bytes"):
        await python.tell(process(), "ask_for_random", size=size)
    assert await python.tell(process(), "ask_for_random", size=1000) == 1000


async def test_a_trapped_guest_leaves_nothing_open(python, scratch):
    with pytest.raises(GuestError):
        await python.tell(process(scratch=scratch), "poll_nothing")
    assert scratch.statistics().descriptors == 0


async def test_a_sleeping_guest_can_be_stopped(python, scratch):
    sleeping = asyncio.ensure_future(python.tell(process(scratch=scratch), "sleep", seconds=1000))
    await asyncio.sleep(0.1)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert scratch.statistics().descriptors == 0
