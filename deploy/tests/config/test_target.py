from pathlib import Path

import pytest

from pie_deploy.config import Home
from pie_deploy.config.address import Address, HomeLock, write_address
from pie_deploy.config.target import target
from pie_deploy.errors import InvalidArgumentError, UnreachableError

ADDRESS = Address(api_url="http://127.0.0.1:1", gateway_url="", pid=1, started_at_ns=1)


def test_it_is_the_one_of_this_user(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.credential.write_text("key\n")
    with HomeLock(home):
        write_address(home, ADDRESS)
        found = target(home, {})
    assert (found.url, found.credential, found.address) == ("http://127.0.0.1:1", "key", ADDRESS)


def test_a_key_that_is_named_goes_before_that_of_this_user(tmp_path: Path) -> None:
    """Who is given a weak key shall not ask with a strong one that lies about."""
    home = Home(tmp_path)
    home.credential.write_text("strong\n")
    with HomeLock(home):
        write_address(home, ADDRESS)
        assert target(home, {"PIE_DEPLOY_KEY": "weak"}).credential == "weak"


def test_without_a_key_nothing_is_asked(tmp_path: Path) -> None:
    with HomeLock(Home(tmp_path)), pytest.raises(UnreachableError):
        write_address(Home(tmp_path), ADDRESS)
        target(Home(tmp_path), {})


def test_the_environment_may_name_another_one() -> None:
    found = target(environment={"PIE_DEPLOY_URL": "https://pie.example.org/", "PIE_DEPLOY_KEY": "key"})
    assert (found.url, found.credential, found.address) == ("https://pie.example.org", "key", None)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PIE_DEPLOY_URL": "pie.example.org", "PIE_DEPLOY_KEY": "key"}, "PIE_DEPLOY_URL: 'pie.example.org' is not like"),
        ({"PIE_DEPLOY_URL": "https://pie.example.org"}, "PIE_DEPLOY_KEY"),
    ],
    ids=["url", "key"],
)
def test_what_is_missing_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        target(environment=environment)
