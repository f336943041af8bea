"""Saved contexts come back from disk as they were; what is damaged or foreign is left out."""

import os
from array import array
from pathlib import Path

import pytest

from pie.engine import context_store
from pie.engine.context_store import ContextStore, NotKept
from pie.sched.context import SavedContext


def saved(username: str, name: str, *tokens: int) -> SavedContext:
    return SavedContext(username, name, array("i", tokens).tobytes())


def loaded(folder: Path) -> dict[tuple[str, str], list[int]]:
    """As an engine that starts now sees it."""
    return {(context.username, context.name): context.tokens.tolist() for context in ContextStore(folder).load()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "contexts" / "model"


def test_what_was_stored_is_loaded(folder: Path) -> None:
    assert ContextStore(folder).store([saved("ada", "notes", 1, 2, 3), saved("bob", "notes"), saved("ada", "../x", 4)]) == []
    assert loaded(folder) == {("ada", "notes"): [1, 2, 3], ("bob", "notes"): [], ("ada", "../x"): [4]}


def test_nothing_was_stored_yet(folder: Path) -> None:
    assert loaded(folder) == {}


def test_a_changed_context_replaces_its_file_and_an_unchanged_one_is_not_written(folder: Path) -> None:
    ContextStore(folder).store([saved("ada", "a", 1), saved("ada", "b", 2)])
    store = ContextStore(folder)
    store.load()
    before = {path: path.stat().st_ino for path in folder.iterdir()}
    store.store([saved("ada", "a", 1), saved("ada", "b", 3)])
    assert sum(path.stat().st_ino == before[path] for path in folder.iterdir()) == 1
    assert loaded(folder) == {("ada", "a"): [1], ("ada", "b"): [3]}


def test_what_was_deleted_is_removed_and_what_others_stored_stays(folder: Path) -> None:
    ContextStore(folder).store([saved("ada", "a", 1)])
    store = ContextStore(folder)
    store.load()
    ContextStore(folder).store([saved("ada", "of-another-engine", 2)])
    store.store([])
    assert loaded(folder) == {("ada", "of-another-engine"): [2]}


def test_a_context_with_kv_of_its_own_is_reported(folder: Path) -> None:
    [failure] = ContextStore(folder).store([SavedContext("ada", "custom", None)])
    assert (failure.username, failure.name) == ("ada", "custom")
    assert "masks or positions" in failure.reason


def test_a_disk_that_takes_nothing_is_reported_and_leaves_no_rest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    failures = ContextStore(folder).store([saved("ada", "a", 1), saved("ada", "b", 1)])
    assert failures == [NotKept("ada", name, "it cannot be written: [Errno 28] No space left on device") for name in "ab"]
    assert not list(folder.iterdir())


def test_a_file_that_cannot_be_removed_is_told_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = ContextStore(folder)
    store.store([saved("ada", "a", 1)])

    def denied(*_: object, **__: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "unlink", denied)
    assert store.store([]) == []
    assert "stays on disk" in caplog.text
    assert loaded(folder) == {("ada", "a"): [1]}


def damage_tokens(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("damage", [damage_tokens, lambda content: content[:-3], lambda _: b"", lambda _: b"\xff" * 100])
def test_a_damaged_file_is_left_out_with_a_warning(folder: Path, damage: "type[bytes]", caplog: pytest.LogCaptureFixture) -> None:
    ContextStore(folder).store([saved("ada", "good", 1)])
    [good] = folder.iterdir()
    ContextStore(folder).store([saved("ada", "bad", 1, 2, 3)])
    [bad] = [path for path in folder.iterdir() if path != good]
    bad.write_bytes(damage(bad.read_bytes()))
    assert loaded(folder) == {("ada", "good"): [1]}
    assert str(bad) in caplog.text


def test_a_file_under_another_name_is_left_out(folder: Path) -> None:
    ContextStore(folder).store([saved("ada", "a", 1)])
    [path] = folder.iterdir()
    path.rename(folder / "mine.safetensors")
    assert loaded(folder) == {}


def test_so_many_are_loaded_the_youngest_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ContextStore(folder).store([saved("ada", "old", 1)])
    [old] = folder.iterdir()
    os.utime(old, (1, 1))
    ContextStore(folder).store([saved("ada", "new", 2)])
    monkeypatch.setattr(context_store, "SAVED_CONTEXTS_MAX", 1)
    assert loaded(folder) == {("ada", "new"): [2]}


def test_only_the_owner_of_the_engine_can_read_them(folder: Path) -> None:
    ContextStore(folder).store([saved("ada", "a", 1)])
    [path] = folder.iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0
