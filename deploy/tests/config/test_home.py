import stat
from pathlib import Path

import pytest

from pie_deploy.config import Home, default_home
from pie_deploy.errors import StorageError


def test_the_environment_says_where_it_is(tmp_path: Path) -> None:
    assert default_home({"PIE_DEPLOY_HOME": str(tmp_path)}) == Home(tmp_path)
    assert default_home({}) == Home(Path.home() / ".pie" / "deploy")
    assert default_home({"PIE_DEPLOY_HOME": "x"}).root == Path.cwd() / "x"


def test_its_folders_are_the_users_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (home.root, home.run, home.blobs)} == {0o700}


def test_making_it_twice_is_fine(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    home.create()


def test_sockets_never_lie_in_a_folder_that_others_may_open(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    home.run.chmod(0o755)
    with pytest.raises(StorageError, match="not a folder of this user alone"):
        home.create()
    home.run.rmdir()


def test_two_homes_have_sockets_of_their_own(tmp_path: Path) -> None:
    assert Home(tmp_path / "a").run != Home(tmp_path / "b").run
    assert Home(tmp_path / "a").run == Home(tmp_path / "b" / ".." / "a").run
