import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.config.config import Config
from pie.config.file import changed, load, parse, read, write
from pie.config.home import Home
from pie.config.reference import template
from pie.errors import ConfigError


def test_without_a_file_the_configuration_is_the_default(tmp_path: Path) -> None:
    assert load(Home(tmp_path)) == Config()


def test_the_file_in_the_home_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[runtime]\nallow_fs = true")
    assert load(Home(tmp_path)).runtime.allow_fs


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"other\.toml: there is no such file"):
        load(Home(tmp_path), tmp_path / "other.toml")


def test_an_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("x = 1")
    with pytest.raises(ConfigError, match=r"config\.toml: x: unknown key"):
        load(Home(tmp_path))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = '\xff'"])
def test_a_file_that_is_no_text_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        load(Home(tmp_path))


def test_setting_a_key_keeps_comments_and_order() -> None:
    text = "# mine\n[runtime]\nallow_fs = false # why\nwasm_max_instances = 7\n"
    assert changed(text, "runtime.allow_fs", "true") == text.replace("false", "true")


def test_tables_are_made_on_the_way() -> None:
    text = changed('[[model]]\nname = "m"\nhf_repo = "x"\n', "model.0.driver.options.threads", "2")
    assert parse(text).models[0].driver.options.threads == 2


def test_a_list_position_selects_a_model() -> None:
    text = '[[model]]\nname = "a"\nhf_repo = "x"\n[[model]]\nname = "b"\nhf_repo = "y"\n'
    assert [model.name for model in parse(changed(text, "model.1.name", "c")).models] == ["a", "c"]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("runtime.allow_f", "true", "did you mean `allow_fs`"),
        ("runtime.wasm_max_memory_mb", "lots", "must be a whole number, not text"),
        ("runtime.wasm_max_memory_mb", "1,2", "must be a whole number, not a list"),
        ("runtime", "5", "runtime: must be a table"),
        ("runtime.allow_fs.deep", "1", "runtime.allow_fs: is a value, not a table"),
        ("model.0", "x", "model.0: is a table, not a value"),
        ("model.5.name", "x", "'5' is no position in a list of 1"),
        ("model.first.name", "x", "'first' is no position"),
        ("model.1.name", "x", "model[1].hf_repo: is missing"),
        ("", "x", "unknown key"),
    ],
)
def test_a_change_that_would_not_be_valid_is_refused(key: str, value: str, problem: str) -> None:
    text = "[runtime]\nallow_fs = true\n[[model]]\nname = 'm'\nhf_repo = 'x'\n"
    with pytest.raises(ConfigError) as caught:
        changed(text, key, value)
    assert problem in str(caught.value)


@pytest.mark.parametrize("value", ["5", "true", "1.5", "a,b", 'it\'s "quoted"', "x = 1", "[table]", "日本"])
def test_a_text_key_takes_any_value_as_text(value: str) -> None:
    assert parse(changed(template(), "model.0.name", value)).models[0].name == value


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50))
def test_any_text_survives_being_set(value: str) -> None:
    assert parse(changed(template(), "model.0.name", value)).models[0].name == value


def test_the_template_is_a_valid_configuration_equal_to_the_default() -> None:
    assert parse(template()) == Config()


def test_the_template_holds_every_key_with_its_default() -> None:
    lines = [line.removeprefix("# ") if " = " in line else line for line in template().splitlines()]
    uncommented = "\n".join(line for line in lines if not line.startswith("#") and (" = " in line or line.startswith("[")))
    assert tomllib.loads(uncommented) == tomllib.loads(template_of_defaults())


def template_of_defaults() -> str:
    from pie.config.file import shown

    return shown(Config())


def test_writing_replaces_the_file_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    write(path, "a")
    path.chmod(0o600)
    write(path, "b")
    assert read(path) == "b"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_has_ordinary_permissions(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        write(tmp_path / "config.toml", "a")
    finally:
        os.umask(umask)
    assert (tmp_path / "config.toml").stat().st_mode & 0o777 == 0o644


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write(tmp_path / "file" / "config.toml", "a")
