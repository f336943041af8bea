import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from bakery.cache import Cache, cache_key
from bakery.limits import CACHED_COMPONENTS_MAX
from bakery.project import Project
from bakery.toolchain import Toolchain, find_toolchain
from pie_wire.manifest import Manifest, Package

PROJECT = Project(Manifest(package=Package("toast", "0.1.0")), {"main.py": b"1", "data.txt": b"2"})


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    for folder, file in (("wit", "a.wit"), ("sdk", "a.py")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text("")
    return Toolchain(tmp_path / "wit", tmp_path / "sdk", "1.0")


def test_what_was_put_is_found_again(tmp_path: Path) -> None:
    assert Cache(tmp_path / "new").put("key", b"component")
    assert Cache(tmp_path / "new").get("key") == b"component"


def test_what_was_never_put_is_not_found(tmp_path: Path) -> None:
    assert Cache(tmp_path).get("key") is None


def test_nothing_but_components_is_left_behind(tmp_path: Path) -> None:
    Cache(tmp_path).put("key", b"component")
    assert [path.name for path in tmp_path.iterdir()] == ["key.wasm"]


def test_a_folder_that_cannot_be_written_remembers_nothing_and_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "cache")
    assert cache.put("key", b"component") is False
    assert cache.get("key") is None


def test_the_component_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for number in range(CACHED_COMPONENTS_MAX):
        cache.put(f"{number}", b"")
        os.utime(tmp_path / f"{number}.wasm", (number, number))
    cache.get("0")
    cache.put("new", b"")
    assert cache.get("1") is None
    assert cache.get("0") == cache.get("new") == b""


def test_many_writers_at_once_leave_one_whole_component(tmp_path: Path) -> None:
    content = os.urandom(1 << 20)
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda _: Cache(tmp_path).put("key", content), range(16)))
    assert all(stored)
    assert Cache(tmp_path).get("key") == content


def test_the_key_is_a_function_of_the_content(toolchain: Toolchain) -> None:
    assert cache_key(PROJECT, toolchain) == cache_key(replace(PROJECT, shown="other.py"), toolchain)


@pytest.mark.parametrize("files", [{"main.py": b"1!"}, {"main.py": b"1", "data.txt": b"2", "new.txt": b""}, {"main.py": b"12"}])
def test_another_file_is_another_key(toolchain: Toolchain, files: dict[str, bytes]) -> None:
    assert cache_key(replace(PROJECT, files=files), toolchain) != cache_key(PROJECT, toolchain)


def test_other_tools_are_another_key(toolchain: Toolchain) -> None:
    before = cache_key(PROJECT, toolchain)
    assert cache_key(PROJECT, replace(toolchain, componentize_version="1.1")) != before
    (toolchain.wit / "a.wit").write_text("changed")
    after_wit = cache_key(PROJECT, toolchain)
    (toolchain.sdk / "a.py").write_text("changed")
    assert len({before, after_wit, cache_key(PROJECT, toolchain)}) == 3


def test_the_installed_tools_are_found() -> None:
    toolchain = find_toolchain()
    assert (toolchain.wit / "generate.wit").is_file()
    assert (toolchain.sdk / "_entry.py").is_file()
