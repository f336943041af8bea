"""A guest that does what it is told: {"do": name, …arguments} calls the function of that name; its result comes back as JSON."""

# It is there to use the functions of `os` and `open`, and its `run` is given its names.
# ruff: noqa: A002, PTH102, PTH103, PTH104, PTH108, PTH109, PTH115, PTH116, PTH118, PTH121, PTH123, PTH208, PTH211, SIM115

import encodings.idna  # noqa: F401 - a component holds of the standard library what was imported while it was built
import errno
import json
import os
import random
import secrets
import shutil
import socket
import sys
import time
import traceback

from componentize_py_types import Err
from wit_world.imports import monotonic_clock, poll
from wit_world.imports import random as wasi_random


def sleep(seconds):
    start = time.monotonic()
    time.sleep(seconds)
    return time.monotonic() - start


def say(text, error_text=""):
    print(text)
    print(error_text, end="", file=sys.stderr)


def say_lines(count, size):
    for number in range(count):
        print(f"{number:06d}" + "x" * (size - 7), flush=True)


def read_input():
    return sys.stdin.read()


def clock():
    return time.time()


def draw(size):
    return [os.urandom(size).hex(), secrets.token_hex(size), random.random()]


def surroundings():
    return [dict(os.environ), sys.argv, os.getcwd()]


def refusal(action, *arguments):
    """The name of the OSError that the call ends with, or its result."""
    try:
        return repr(action(*arguments))
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


def try_open(path, mode="r"):
    def attempt():
        with open(path, mode) as file:
            return file.read() if mode == "r" else file.write("x")

    return refusal(attempt)


def try_list(path):
    return refusal(os.listdir, path)


def try_network():
    def make():
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    def connect():
        return socket.create_connection(("127.0.0.1", 80), timeout=1)

    def resolve():
        return socket.getaddrinfo("example.com", 80)

    outcomes = []
    for attempt in (make, connect, resolve):
        try:
            attempt()
            outcomes.append("done")
        except OSError as error:
            outcomes.append(type(error).__name__)
    return outcomes


def use_scratch():
    """A walk through everything that Python does with files; returns what it saw."""
    saw = {}
    os.makedirs("/scratch/a/b")
    with open("/scratch/a/file.txt", "w") as file:
        file.write("line 1\nline 2\n")
    with open("/scratch/a/file.txt", "a") as file:
        file.write("line 3\n")
    with open("/scratch/a/file.txt") as file:
        saw["lines"] = file.read().splitlines()
    with open("/scratch/a/file.txt", "r+b") as file:
        file.seek(5)
        file.write(b"X")
        file.seek(0, os.SEEK_END)
        saw["size"] = file.tell()
        file.truncate(7)
        os.fsync(file.fileno())
    saw["truncated"] = os.stat("/scratch/a/file.txt").st_size
    os.rename("/scratch/a/file.txt", "/scratch/a/b/moved.txt")
    os.symlink("b/moved.txt", "/scratch/a/link")
    saw["through_link"] = open("/scratch/a/link").read()
    saw["link"] = os.readlink("/scratch/a/link")
    os.link("/scratch/a/b/moved.txt", "/scratch/a/b/second.txt")
    saw["same"] = os.path.samefile("/scratch/a/b/moved.txt", "/scratch/a/b/second.txt")
    os.utime("/scratch/a/b/moved.txt", (1, 2))
    saw["modified"] = os.stat("/scratch/a/b/moved.txt").st_mtime
    saw["tree"] = sorted(os.path.join(folder, name) for folder, _, names in os.walk("/scratch") for name in names)
    with open("/scratch/big", "wb") as file:
        file.write(bytes(3_000_000))
    with open("/scratch/big", "rb") as file:
        saw["big"] = len(file.read())
    shutil.rmtree("/scratch/a")
    os.unlink("/scratch/big")
    saw["left"] = os.listdir("/scratch")
    return saw


def try_escapes(secret):
    """What became of each attempt to see `secret`, a file beside the scratch folder."""
    os.mkdir("/scratch/folder")
    seen = {}
    for path in ("/scratch/../secret", "/scratch/folder/../../secret", secret, "/etc/passwd", "../secret"):
        seen[path] = try_open(path)
    for target in ("../secret", "/etc/passwd", "..", "folder/../../secret"):
        link = f"/scratch/link{len(seen)}"
        made = refusal(os.symlink, target, link)
        seen[f"link to {target}"] = [made, try_open(link), try_open(f"{link}/secret"), try_open(link, "w")]
    seen["rename"] = refusal(os.rename, "/scratch/folder", "/scratch/../stolen")
    seen["link"] = refusal(os.link, "/scratch/../secret", "/scratch/stolen")
    return seen


def fill_scratch(size):
    def attempt():
        with open("/scratch/file", "wb") as file:
            for _ in range(size >> 16):
                file.write(bytes(1 << 16))

    return refusal(attempt)


def leave(code):
    sys.exit(code)


def leave_now(code):
    os._exit(code)


def time_polls(count):
    """Nanoseconds per poll of one timer that is not ready yet when asked."""
    start = time.monotonic_ns()
    for _ in range(count):
        with monotonic_clock.subscribe_duration(1) as timer:
            poll.poll([timer])
    return (time.monotonic_ns() - start) / count


def poll_nothing():
    poll.poll([])


def ask_for_random(size):
    return len(wasi_random.get_random_bytes(size))


ACTIONS = {
    action.__name__: action
    for action in (
        sleep,
        say,
        say_lines,
        read_input,
        clock,
        draw,
        surroundings,
        try_open,
        try_list,
        try_network,
        use_scratch,
        try_escapes,
        fill_scratch,
        leave,
        leave_now,
        time_polls,
        poll_nothing,
        ask_for_random,
    )
}


class Run:
    def run(self, input: str) -> str:
        told = json.loads(input)
        try:
            return json.dumps(ACTIONS[told.pop("do")](**told))
        except Exception:
            raise Err(traceback.format_exc()) from None
