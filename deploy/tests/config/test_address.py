import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pie_deploy.config import Home
from pie_deploy.config.address import Address, HomeLock, holder, is_up, read_address, remove_address, write_address
from pie_deploy.errors import AlreadyExistsError, StorageError, UnreachableError

ADDRESS = Address(api_url="http://127.0.0.1:1", gateway_url="http://127.0.0.1:2", pid=3, started_at_ns=4)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_what_was_written_is_read(home: Home) -> None:
    with HomeLock(home):
        write_address(home, ADDRESS)
        assert read_address(home) == ADDRESS


def test_only_the_user_may_read_it(home: Home) -> None:
    write_address(home, ADDRESS)
    assert home.address.stat().st_mode & 0o777 == 0o600


def test_nothing_else_is_left_beside_it(home: Home) -> None:
    write_address(home, ADDRESS)
    assert [path.name for path in home.root.iterdir()] == ["address.json"]


def test_a_home_has_one_control_plane(home: Home) -> None:
    with HomeLock(home), pytest.raises(AlreadyExistsError, match="already up"), HomeLock(home):
        pass


def test_the_second_one_is_told_where_the_first_one_is(home: Home) -> None:
    with HomeLock(home):
        write_address(home, ADDRESS)
        with pytest.raises(AlreadyExistsError, match=r"API http://127.0.0.1:1, gateway http://127.0.0.1:2, pid 3"), HomeLock(home):
            pass


def test_the_lock_can_be_taken_again(home: Home) -> None:
    with HomeLock(home):
        assert is_up(home)
        assert holder(home) == os.getpid()
    assert not is_up(home)
    with HomeLock(home):
        pass


def test_without_a_lock_nothing_is_up(home: Home) -> None:
    with pytest.raises(UnreachableError, match="is not up in") as refusal:
        read_address(home)
    assert refusal.value.hint == "start it with: pie up"
    assert holder(home) is None


def test_one_that_is_just_coming_up_has_no_address_yet(home: Home) -> None:
    with HomeLock(home), pytest.raises(UnreachableError, match="just coming up"):
        read_address(home)


def test_an_address_that_makes_no_sense_is_told(home: Home) -> None:
    home.address.write_text("{}")
    with HomeLock(home), pytest.raises(UnreachableError, match="cannot be read"):
        read_address(home)


def test_the_address_of_a_killed_one_means_nothing(home: Home) -> None:
    script = (
        "import sys, time; from pathlib import Path; from pie_deploy.config import Home; from pie_deploy.config.address import *\n"
        "home = Home(Path(sys.argv[1])); lock = HomeLock(home); lock.__enter__()\n"
        "write_address(home, Address(api_url='http://127.0.0.1:1', gateway_url='', pid=1, started_at_ns=1))\n"
        "print('up', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(home.root)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert (read_address(home).pid, holder(home)) == (1, child.pid)
        child.send_signal(signal.SIGKILL)
    with pytest.raises(UnreachableError, match="the last one was killed"):
        read_address(home)


def test_removing_it_twice_is_fine(home: Home) -> None:
    write_address(home, ADDRESS)
    remove_address(home)
    remove_address(home)
    assert not home.address.exists()


def test_a_home_that_is_none_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="lock: cannot be opened: No such file"), HomeLock(Home(tmp_path / "none")):
        pass
