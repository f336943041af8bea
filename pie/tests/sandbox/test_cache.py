import logging
import os
import stat
from concurrent.futures import ProcessPoolExecutor

from pie.sandbox.cache import CompileCache


def test_what_was_stored_is_found_under_its_key_only(tmp_path):
    cache = CompileCache(tmp_path / "deep" / "cache")
    path = cache.store("key", b"compiled")
    assert cache.find("key") == path
    assert path.read_bytes() == b"compiled"
    assert cache.find("ke") is None
    assert cache.find("other") is None


def test_the_folder_is_private_even_if_it_was_not(tmp_path):
    tmp_path.chmod(0o755)
    CompileCache(tmp_path).store("key", b"compiled")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_damaged_file_is_deleted_and_not_found(tmp_path):
    cache = CompileCache(tmp_path)
    path = cache.store("key", b"compiled")
    path.write_bytes(b"compilex")
    assert cache.find("key") is None
    assert not path.exists()


def test_another_s_folder_is_not_trusted(tmp_path, monkeypatch, caplog):
    cache = CompileCache(tmp_path)
    cache.store("key", b"compiled")
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with caplog.at_level(logging.WARNING):
        assert cache.find("key") is None
        assert cache.store("key", b"compiled") is None
    assert "belongs to another user" in caplog.text
    assert len(caplog.records) == 1


def test_without_a_folder_nothing_is_kept():
    cache = CompileCache(None)
    assert cache.store("key", b"compiled") is None
    assert cache.find("key") is None


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    cache = CompileCache(tmp_path)
    monkeypatch.setattr(os, "replace", full)
    with caplog.at_level(logging.WARNING):
        assert cache.store("key", b"compiled") is None
    assert list(tmp_path.iterdir()) == []
    assert "No space left" in caplog.text


def test_the_files_unused_for_longest_make_room(tmp_path):
    cache = CompileCache(tmp_path, bytes_max=25)
    paths = {}
    for age, key in ((300, "old"), (200, "used"), (100, "young")):
        paths[key] = cache.store(key, key.encode().ljust(8))
        os.utime(paths[key], (1_000_000 - age, 1_000_000 - age))
    assert cache.find("used") is not None
    newest = cache.store("new", b"n" * 8)
    assert set(tmp_path.iterdir()) == {paths["used"], paths["young"], newest}


def _store(folder):
    return CompileCache(folder).store("key", b"compiled" * 100_000) is not None


def test_processes_may_store_the_same_at_once(tmp_path):
    with ProcessPoolExecutor(2) as pool:
        assert all(pool.map(_store, [tmp_path] * 8))
    assert CompileCache(tmp_path).find("key").read_bytes() == b"compiled" * 100_000
    assert len(list(tmp_path.iterdir())) == 1
