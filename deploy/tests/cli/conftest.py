"""A home without and with an API that the commands find."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_fakes import FakeApi, serving

from pie_deploy.config import HOME_VARIABLE, Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Nothing is up in it."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture
def api(home: Home) -> Iterator[FakeApi]:
    with serving(FakeApi(), home) as api:
        yield api
