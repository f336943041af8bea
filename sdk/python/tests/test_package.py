import importlib
from typing import Any

import pytest

import inferlet


def test_everything_exported_is_there() -> None:
    assert all(hasattr(inferlet, name) for name in inferlet.__all__)


@pytest.mark.parametrize("name", ["tools", "JsonSchema", "messaging", "Adapter", "reasoning"])
def test_what_a_later_version_brings_says_so(name: Any) -> None:
    with pytest.raises(inferlet.LaterVersionError, match=f"inferlet.{name} is not part of this version"):
        getattr(inferlet, name)


def test_importing_what_a_later_version_brings_says_so() -> None:
    with pytest.raises(inferlet.LaterVersionError):
        exec("from inferlet import reasoning")


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(inferlet, "Contxt")


def test_an_unknown_module_is_an_import_error() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("inferlet.nothing")
