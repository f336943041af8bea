import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pie_deploy.launchers.process.brand import brand, branded, rlimits
from pie_deploy.launchers.process.census import take_census

NUMBER = brand(Path("/home/a/containers"), "r-a")
SLEEPS = [sys.executable, "-S", "-c", "print('here', flush=True); import time; time.sleep(600)"]


def test_runtimes_and_homes_have_brands_of_their_own() -> None:
    others = {brand(Path("/home/a/containers"), "r-b"), brand(Path("/home/b/containers"), "r-a")}
    assert len(others | {NUMBER}) == 3


def test_a_brand_is_less_than_what_is_granted_usually() -> None:
    assert 1 << 18 <= NUMBER < 1 << 19


@pytest.mark.skipif(not rlimits(NUMBER), reason="this session is granted less")
def test_whoever_descends_from_a_branded_process_has_the_brand_whatever_else_it_gives_up() -> None:
    def begin() -> None:
        for name, bounds in rlimits(NUMBER).items():
            resource.setrlimit(name, bounds)

    with subprocess.Popen(
        [sys.executable, "-c", f"import os; os.setsid(); os.execve({sys.executable!r}, {SLEEPS!r}, {{}})"],
        preexec_fn=begin,  # noqa: PLW1509 (a test, with one thread)
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        try:
            assert branded(take_census(), NUMBER) == {child.pid}
        finally:
            child.kill()
