import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakery.errors import LoginError
from bakery.logins import Logins, checked_url, is_safe_for_tokens, read_logins, write_logins

URL = "http://127.0.0.1:8090"


def test_without_a_file_there_are_no_logins(tmp_path: Path) -> None:
    assert read_logins(tmp_path) == Logins()


def test_what_is_written_is_read_back_by_its_owner_only(tmp_path: Path) -> None:
    logins = Logins().with_login("https://one.example", "a").with_login(URL, "b")
    write_logins(tmp_path / "new", logins)
    assert read_logins(tmp_path / "new") == logins
    assert stat.S_IMODE((tmp_path / "new" / "config.toml").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["config.toml"]


def test_the_last_login_is_the_registry_to_use_and_others_stay() -> None:
    logins = Logins().with_login("https://one.example", "a").with_login(URL, "b")
    assert logins.registry == URL
    assert logins.without(URL) == Logins("", {"https://one.example": "a"})


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    write_logins(tmp_path, Logins().with_login(URL, "a"))
    (tmp_path / "config.toml").chmod(0o644)
    with pytest.raises(LoginError, match="chmod 600"):
        read_logins(tmp_path)


def test_the_token_of_the_bakery_of_pie_04_is_known(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('registry_token = "old"\n')
    path.chmod(0o600)
    assert read_logins(tmp_path).tokens == {"https://registry.pie-project.org": "old"}


@pytest.mark.parametrize(
    "text", ["[", "\udcff", 'registries = "x"\nregistry = 3', "[registries.x]\ntoken = 3", "registry_token = 1"]
)
def test_a_damaged_file_is_told_or_holds_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    path.chmod(0o600)
    try:
        assert read_logins(tmp_path) == Logins()
    except LoginError as error:
        assert "config.toml" in str(error)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:8090/", URL),
        ("http://127.0.0.1:8090/api/v1/", URL),
        ("HTTPS://Registry.Example.org", "https://registry.example.org"),
        ("https://example.org/registry/", "https://example.org/registry"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_a_registry_has_one_url(text: str, url: str) -> None:
    assert checked_url(text) == url


@pytest.mark.parametrize(
    "text", ["", "registry", "ftp://x", "http://", "http://a:b@c", "http://x:99999", "http://x?q=1", "file:///etc"]
)
def test_what_is_no_registry_is_refused(text: str) -> None:
    with pytest.raises(LoginError):
        checked_url(text)


@given(st.text() | st.builds("http://{}".format, st.text()))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        url = checked_url(text)
    except LoginError:
        return
    assert checked_url(url) == url


def test_only_loopback_and_https_are_safe_for_tokens() -> None:
    assert [is_safe_for_tokens(url) for url in (URL, "https://x", "http://x", "http://127.0.0.1.evil")] == [
        True,
        True,
        False,
        False,
    ]
