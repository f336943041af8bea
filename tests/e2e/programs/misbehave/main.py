"""Does on request what a program should not do. Each function is one misdeed."""

import asyncio
import sys
import time
from pathlib import Path

from inferlet import Context, Model, Sampler, runtime, session
from inferlet import _host as host


async def main(input):
    return await globals()[input["do"]]()


async def behave():
    return "well"


async def fail():
    raise ValueError("the guest's own words")


async def spin():
    while True:
        pass


async def recurse():
    def deeper(depth):
        return deeper(depth + 1) + 1

    sys.setrecursionlimit(10**9)
    return deeper(0)


async def allocate():
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))


async def print_without_end():
    while True:
        print("x" * 1000)


async def send_without_end():
    while True:
        session.send("x" * 1000)


async def leave():
    sys.exit(3)


async def sleep_long():
    time.sleep(3600)  # noqa: ASYNC251 - that is the misdeed


async def receive_for_ever():
    return await session.receive()


async def leak_contexts():
    model = Model.load(runtime.models()[0])
    kept = []
    while True:
        context = Context(model)
        context.append([1, 2, 3])
        await context.flush()
        kept.append(context)


async def leak_models():
    return [Model.load(runtime.models()[0]) for _ in range(10**9)]


async def leak_receivers():
    return [host.session.receive() for _ in range(10**9)]


async def leak_pollables():
    receiver = host.session.receive()
    return [receiver.subscribe() for _ in range(10**9)]


async def leak_timers():
    return [host.monotonic_clock.subscribe_duration(10**12) for _ in range(10**9)]


async def leak_forks():
    context = Context(Model.load(runtime.models()[0])).append([1, 2, 3])
    await context.flush()
    return [context.fork() for _ in range(10**9)]


async def leak_passes():
    context = Context(Model.load(runtime.models()[0]))
    return await asyncio.gather(*(context.forward().input([1]).execute() for _ in range(10**4)))


async def save_without_end():
    context = Context(Model.load(runtime.models()[0])).append([1, 2, 3])
    await context.flush()
    for number in range(10**9):
        context.save(f"misbehave {number}")


async def poll_too_much():
    timers = [host.monotonic_clock.subscribe_duration(0) for _ in range(10**4)]
    host.poll.poll(timers)


async def allocate_at_once():
    return len(bytearray(1 << 31))


async def return_a_lot():
    return "é" * (32 << 20)


async def send_a_lot():
    session.send("é" * (32 << 20))
    return "sent"


async def print_a_lot():
    print("é" * (32 << 20))
    return "printed"


async def encode_a_lot():
    return Model.load(runtime.models()[0]).tokenizer().encode("é" * (2 << 20))


async def hold_a_context():
    context = Context(Model.load(runtime.models()[0]))
    context.append(list(range(1, 100)))
    await context.flush()
    session.send("held")
    await asyncio.sleep(3600)


async def generate_long():
    context = Context(Model.load(runtime.models()[0]))
    context.append(list(range(1, 100)))
    return await context.generate(Sampler.argmax(), max_tokens=1000, stop=[]).collect_text()


async def unknown_model():
    Model.load("no-such-model")


async def empty_forward():
    context = Context(Model.load(runtime.models()[0]))
    forward = context.forward()
    forward.input([])
    forward.sample([0], Sampler.argmax())
    await forward.execute()


async def token_out_of_range():
    context = Context(Model.load(runtime.models()[0]))
    context.append([10**6])
    await context.flush()


async def prompt_too_long():
    context = Context(Model.load(runtime.models()[0]))
    context.append([1] * 200_000)
    await context.flush()


async def read_files():
    return Path("/etc/passwd").read_text()  # noqa: ASYNC240


async def tell_time():
    """How much longer than 5 ms a sleep of 5 ms takes at worst, in ms: shows whether others hold up this guest."""
    worst = 0.0
    for _ in range(20):
        begin = time.monotonic()
        await asyncio.sleep(0.005)
        worst = max(worst, (time.monotonic() - begin) * 1000 - 5)
    return worst
