import hashlib
from pathlib import Path

import pytest
from platform_rows import an_api_key

from pie_deploy.app.credentials import Credentials, local_credential, own_name
from pie_deploy.config import Config, Home, UserConfig
from pie_deploy.domain.records import ApiKey
from pie_deploy.domain.role import Role
from pie_deploy.errors import StorageError, UnauthenticatedError


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_the_local_key_is_made_once(tmp_path: Path) -> None:
    key = local_credential(Home(tmp_path))
    assert len(key) > 40
    assert local_credential(Home(tmp_path)) == key


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    local_credential(Home(tmp_path))
    assert Home(tmp_path).credential.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_is_no_key(tmp_path: Path) -> None:
    Home(tmp_path).credential.write_text("\n")
    assert len(local_credential(Home(tmp_path))) > 40


def test_a_key_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    Home(tmp_path).credential.write_bytes(b"\xff")
    with pytest.raises(StorageError, match="credential: cannot be read"):
        local_credential(Home(tmp_path))


class Stored:
    """Keys that the platform keeps, by their secret."""

    def __init__(self, **keys: ApiKey) -> None:
        self.keys = keys

    def find(self, secret: str) -> ApiKey | None:
        return self.keys.get(secret)


async def test_a_key_is_who_it_belongs_to() -> None:
    config = Config(users={"ann": UserConfig(keys=(digest("a"), digest("b"))), "bob": UserConfig(keys=(digest("c"),))})
    actor_of = Credentials(config, "local", Stored(d=an_api_key(user="eve", granted_by="ann")))
    assert [(await actor_of(key)).name for key in ("a", "b", "c", "local", "d")] == ["ann", "ann", "bob", own_name(), "eve"]


async def test_a_key_has_the_role_that_the_configuration_says_and_without_one_it_is_an_owner_s() -> None:
    users = {"ann": UserConfig(keys=(digest("a"),)), "bob": UserConfig(keys=(digest("b"),), role=Role.OPERATOR)}
    actor_of = Credentials(Config(users=users), "local", Stored(c=an_api_key(role=Role.AGENT, granted_by="ann")))
    roles = [(await actor_of(key)).role for key in ("a", "b", "local", "c")]
    assert roles == [Role.OWNER, Role.OPERATOR, Role.OWNER, Role.AGENT]


async def test_an_actor_s_key_has_a_name_that_is_no_secret() -> None:
    users = {"ann": UserConfig(keys=(digest("a"),))}
    actor_of = Credentials(Config(users=users), "local", Stored(c=an_api_key("k-7", granted_by="ann")))
    assert [(await actor_of(key)).key for key in ("a", "local", "c")] == ["users.ann.keys[0]", "local", "k-7"]


@pytest.mark.parametrize("key", [None, "", "x", "A", digest("a"), "a" * 10_000, "\udcff"], ids=range(7))
async def test_what_is_nobodys_key_is_refused(key: str | None) -> None:
    actor_of = Credentials(Config(users={"ann": UserConfig(keys=(digest("a"),))}), "local", Stored())
    with pytest.raises(UnauthenticatedError):
        await actor_of(key)


async def test_a_stored_key_is_void_without_the_user_it_goes_back_to() -> None:
    actor_of = Credentials(Config(), "local", Stored(c=an_api_key(user="eve", granted_by="ann")))
    with pytest.raises(UnauthenticatedError, match="goes back to ann, who is no user any more"):
        await actor_of("c")


async def test_a_stored_key_is_void_once_that_user_may_no_longer_do_what_it_may() -> None:
    config = Config(users={"ann": UserConfig(role=Role.VIEWER)})
    stored = Stored(c=an_api_key(role=Role.EDITOR, granted_by="ann"), d=an_api_key(role=Role.VIEWER, granted_by="ann"))
    actor_of = Credentials(config, "local", stored)
    with pytest.raises(UnauthenticatedError, match="an editor's and goes back to ann, who is a viewer now"):
        await actor_of("c")
    assert (await actor_of("d")).role == Role.VIEWER
