"""Parameters and files as the author sees them."""

from pathlib import Path
from typing import Any

import pytest

from pie_component.config import Config, Files, Settings
from pie_component.errors import ConfigError, NotInContainerError, PreconditionError
from pie_flow.container import ParameterSpec


def loaded(tmp_path: Path, **literals: str) -> tuple[Config, Files, Settings]:
    config, files = Config(), Files()
    settings = Settings(config, files)
    (tmp_path / "words").write_text("a")
    parameters = {name: ParameterSpec(type="Int64", value=text, mutable=name != "fixed") for name, text in literals.items()}
    settings.load(parameters, {"words": str(tmp_path / "words")}, ("words",), 3)
    return config, files, settings


def test_a_parameter_has_the_value_of_its_type(tmp_path: Path) -> None:
    config, _, _ = loaded(tmp_path, level="-3")
    assert config.level == -3


def test_a_parameter_that_is_not_there_fails_at_once_and_names_those_that_are(tmp_path: Path) -> None:
    config, _, _ = loaded(tmp_path, level="-3")
    with pytest.raises(ConfigError, match=r"config\.lvel.*there are: level"):
        _ = config.lvel


def test_a_component_does_not_set_its_own_parameters(tmp_path: Path) -> None:
    config, _, _ = loaded(tmp_path, level="-3")
    with pytest.raises(ConfigError):
        config.level = 4


def test_outside_a_container_there_is_no_configuration() -> None:
    with pytest.raises(NotInContainerError):
        _ = Config().level
    with pytest.raises(NotInContainerError):
        _ = Files().words


def test_a_literal_of_another_type_is_a_precondition_that_does_not_hold(tmp_path: Path) -> None:
    with pytest.raises(PreconditionError, match="parameter level"):
        loaded(tmp_path, level='"high"')


def test_a_file_that_is_not_there_is_a_precondition_that_does_not_hold() -> None:
    with pytest.raises(PreconditionError, match="words"):
        Settings(Config(), Files()).load({}, {"words": "/nowhere/words"}, (), 0)


def test_a_file_is_the_path_of_its_slot(tmp_path: Path) -> None:
    _, files, _ = loaded(tmp_path)
    assert files.words == tmp_path / "words"
    assert files.get("other") is None


def test_subscribers_are_told_old_and_new(tmp_path: Path) -> None:
    config, _, settings = loaded(tmp_path, level="1")
    told: list[tuple[str, Any, Any]] = []

    @config.subscribe
    def note(name: str, old: Any, new: Any) -> None:
        told.append((name, old, new))
        assert config.level == new

    assert settings.change(4, {"level": "2"}, {}) == {}
    assert told == [("level", 1, 2)]
    assert settings.seq == 4


def test_a_subscriber_that_raises_keeps_the_old_value(tmp_path: Path) -> None:
    config, _, settings = loaded(tmp_path, level="1", other="1")

    @config.subscribe
    def refuse(name: str, old: Any, new: Any) -> None:
        if name == "level":
            raise ValueError("too high")

    assert settings.change(4, {"level": "2", "other": "5"}, {}) == {"level": "ValueError: too high"}
    assert (config.level, config.other) == (1, 5)


def test_nobody_is_told_of_the_value_that_is_there(tmp_path: Path) -> None:
    config, _, settings = loaded(tmp_path, level="1")
    told: list[Any] = []
    config.subscribe(lambda *change: told.append(change))
    settings.change(4, {"level": "1"}, {})
    assert told == []


@pytest.mark.parametrize(("name", "text"), [("fixed", "2"), ("unknown", "2"), ("level", "x")])
def test_what_cannot_be_changed_is_said(tmp_path: Path, name: str, text: str) -> None:
    config, _, settings = loaded(tmp_path, level="1", fixed="1")
    assert settings.change(4, {name: text}, {}).keys() == {name}
    assert (config.level, config.fixed) == (1, 1)


def test_a_mutable_file_is_another_path_afterwards(tmp_path: Path) -> None:
    config, files, settings = loaded(tmp_path)
    told: list[Any] = []
    config.subscribe(lambda *change: told.append(change))
    (tmp_path / "more").write_text("b")
    assert settings.change(4, {}, {"words": str(tmp_path / "more")}) == {}
    assert files.words == tmp_path / "more"
    assert told == [("words", tmp_path / "words", tmp_path / "more")]


def test_a_file_that_is_not_there_keeps_the_old_one(tmp_path: Path) -> None:
    _, files, settings = loaded(tmp_path)
    assert settings.change(4, {}, {"words": "/nowhere"}).keys() == {"words"}
    assert files.words == tmp_path / "words"
