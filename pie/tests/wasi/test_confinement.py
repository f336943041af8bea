"""No path leaves the base folder. Beside it lies `outside`, with a file that must never be found."""

import errno
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.limits import WASI_PATH_BYTES_MAX, WASI_PATH_COMPONENTS_MAX
from pie.wasi.confinement import located


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (tmp_path / "base" / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "base" / "file").write_text("file")
    (tmp_path / "base" / "sub" / "inner").write_text("inner")
    return tmp_path


@pytest.fixture
def base(world):
    fd = os.open(world / "base", os.O_RDONLY | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def contents(base, path, follow=True):
    """What the file at the path says, read as the engine would."""
    with located(base, path, follow=follow) as place:
        fd = os.open(place.name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=place.folder_fd)
        try:
            return os.read(fd, 100).decode()
        finally:
            os.close(fd)


def refusal(base, path, follow=True):
    with pytest.raises(OSError) as caught:
        contents(base, path, follow)
    return errno.errorcode[caught.value.errno]


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    "path, text",
    [
        ("file", "file"),
        ("./file", "file"),
        ("sub/inner", "inner"),
        ("sub//./inner", "inner"),
        ("sub/deep/../inner", "inner"),
        ("sub/../sub/deep/../../file", "file"),
    ],
)
def test_paths_inside_lead_to_their_file(base, path, text):
    assert contents(base, path) == text


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../outside/secret",
        "sub/../../outside/secret",
        "sub/deep/../../../outside/secret",
        "./../outside/secret",
        "../base/file",
        "/etc/passwd",
        "//etc/passwd",
        "/",
    ],
)
def test_paths_out_are_refused(base, path):
    assert refusal(base, path) == "EPERM"


@pytest.mark.parametrize("target", ["../outside/secret", "../../outside/secret", "sub/../../outside/secret", "/etc/passwd"])
def test_a_symlink_out_is_refused(world, base, target):
    (world / "base" / "link").symlink_to(target)
    assert refusal(base, "link") == "EPERM"


@pytest.mark.parametrize("target", ["..", "../outside", "/", "/etc"])
def test_a_symlink_out_is_refused_on_the_way(world, base, target):
    (world / "base" / "link").symlink_to(target)
    assert refusal(base, "link/secret") == "EPERM"
    assert refusal(base, "link/../file") == "EPERM"


def test_a_symlink_to_a_symlink_out_is_refused(world, base):
    (world / "base" / "first").symlink_to("sub/second")
    (world / "base" / "sub" / "second").symlink_to("../../outside/secret")
    assert refusal(base, "first") == "EPERM"


def test_symlinks_inside_are_followed(world, base):
    (world / "base" / "sub" / "up").symlink_to("../file")
    (world / "base" / "folder").symlink_to("sub/deep")
    assert contents(base, "sub/up") == "file"
    assert contents(base, "folder/../inner") == "inner"


def test_the_parent_of_a_linked_folder_is_that_of_its_target(world, base):
    (world / "base" / "folder").symlink_to("sub/deep")
    with located(base, "folder/..", follow=True) as place:
        assert os.path.samestat(os.stat(place.name, dir_fd=place.folder_fd), (world / "base" / "sub").stat())


def test_a_last_symlink_that_is_not_followed_is_the_place_itself(world, base):
    (world / "base" / "link").symlink_to("/etc/passwd")
    with located(base, "link", follow=False) as place:
        assert place.name == "link"
    assert refusal(base, "link", follow=False) == "ELOOP"


def test_a_trailing_slash_follows_and_wants_a_folder(world, base):
    (world / "base" / "link").symlink_to("../outside")
    assert refusal(base, "link/", follow=False) == "EPERM"
    with located(base, "sub/", follow=False) as place:
        assert place.folder_only


def test_a_symlink_into_its_own_end_is_a_loop(world, base):
    (world / "base" / "loop").symlink_to("loop")
    (world / "base" / "ping").symlink_to("pong")
    (world / "base" / "pong").symlink_to("ping")
    assert refusal(base, "loop") == "ELOOP"
    assert refusal(base, "ping/x") == "ELOOP"


def test_a_folder_swapped_for_a_symlink_during_the_walk_is_not_followed(world, base, monkeypatch):
    """Another program replaces `sub` between our look and our step."""
    real_open = os.open

    def swapping_open(name, flags, *arguments, **keywords):
        if name == "sub":
            (world / "base" / "sub").rename(world / "base" / "gone")
            (world / "base" / "sub").symlink_to("../outside")
        return real_open(name, flags, *arguments, **keywords)

    monkeypatch.setattr(os, "open", swapping_open)
    assert refusal(base, "sub/secret") == "EPERM"


def test_a_folder_moved_out_during_the_walk_does_not_take_us_up(world, base, monkeypatch):
    """`..` goes back to where we came from, not to where the folder lies now."""
    real_open = os.open

    def moving_open(name, flags, *arguments, **keywords):
        fd = real_open(name, flags, *arguments, **keywords)
        if name == "deep":
            (world / "base" / "sub" / "deep").rename(world / "outside" / "deep")
        return fd

    monkeypatch.setattr(os, "open", moving_open)
    with located(base, "sub/deep/../inner", follow=True) as place:
        assert os.stat(place.name, dir_fd=place.folder_fd).st_size == len("inner")


def test_a_file_on_the_way_is_no_folder(base):
    assert refusal(base, "file/x") == "ENOTDIR"


def test_a_missing_folder_on_the_way_is_no_entry(base):
    assert refusal(base, "missing/x") == "ENOENT"


@pytest.mark.parametrize(
    "path, code",
    [
        ("", "ENOENT"),
        ("a\0b", "EINVAL"),
        ("x" * 300, "ENAMETOOLONG"),
        ("x/" * WASI_PATH_BYTES_MAX, "ENAMETOOLONG"),
        ("./" * 2 + "x/" * (WASI_PATH_COMPONENTS_MAX + 1), "ENAMETOOLONG"),
    ],
)
def test_misshapen_paths_are_refused(base, path, code):
    assert refusal(base, path) == code


@pytest.mark.parametrize("path", ["sub/deep/../inner", "sub/deep/../../../x", "sub/missing/x"])
def test_a_walk_leaves_nothing_open(base, path):
    before = open_descriptors()
    with suppress(OSError):
        contents(base, path)
    assert open_descriptors() == before


PARTS = st.sampled_from(["..", ".", "", "sub", "deep", "file", "inner", "out", "up", "absolute", "secret", "outside"])


@given(st.lists(PARTS, max_size=10), st.booleans())
def test_no_combination_of_components_finds_the_secret(tmp_path_factory, parts, follow):
    world = tmp_path_factory.getbasetemp() / "confinement"
    if not world.exists():
        (world / "outside").mkdir(parents=True)
        (world / "outside" / "secret").write_text("secret")
        (world / "base" / "sub" / "deep").mkdir(parents=True)
        (world / "base" / "sub" / "up").symlink_to("..")
        (world / "base" / "sub" / "deep" / "out").symlink_to("../../../outside")
        (world / "base" / "absolute").symlink_to(world / "outside")
    base = os.open(world / "base", os.O_RDONLY | os.O_DIRECTORY)
    with suppress(OSError), located(base, "/".join(parts), follow=follow) as place:
        folders = [Path(folder).stat() for folder, _, _ in os.walk(world / "base")]
        assert any(os.path.samestat(os.fstat(place.folder_fd), folder) for folder in folders)
        assert place.name != ".." and "/" not in place.name
    os.close(base)
