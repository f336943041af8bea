import pytest

from bakery.errors import InvalidRequestError, NotFoundError
from bakery.registry.application import Application
from bakery.registry.tokens import hash_of

NOW_S = 1000.0


def test_a_token_shows_who_has_it(registry: Application) -> None:
    user = registry.accounts.user_of(registry.accounts.issue("alice", NOW_S), NOW_S)
    assert user is not None
    assert (user.login, user.is_administrator) == ("alice", False)


def test_an_administrators_token_is_one_and_the_same_users_others_are_not(registry: Application) -> None:
    tokens = [registry.accounts.issue("alice", NOW_S, administrator=admin) for admin in (True, False)]
    users = [registry.accounts.user_of(token, NOW_S) for token in tokens]
    assert [user and (user.id, user.is_administrator) for user in users] == [(1, True), (1, False)]


def test_an_unknown_token_shows_nobody(registry: Application) -> None:
    registry.accounts.issue("alice", NOW_S)
    assert registry.accounts.user_of("bakery_guess", NOW_S) is None


def test_a_token_ends_when_it_expires(registry: Application) -> None:
    token = registry.accounts.issue("alice", NOW_S, expires_s=NOW_S + 10)
    assert registry.accounts.user_of(token, NOW_S + 9) is not None
    assert registry.accounts.user_of(token, NOW_S + 10) is None


def test_a_revoked_token_ends_at_once_and_others_go_on(registry: Application) -> None:
    first, second = (registry.accounts.issue("alice", NOW_S) for _ in range(2))
    registry.accounts.revoke(registry.accounts.tokens()[0].id, NOW_S)
    registry.accounts.revoke(registry.accounts.tokens()[0].id, NOW_S + 1)
    assert registry.accounts.user_of(first, NOW_S) is None
    assert registry.accounts.user_of(second, NOW_S) is not None
    assert registry.accounts.tokens()[0].revoked_s == NOW_S


def test_tokens_are_listed_without_the_tokens(registry: Application) -> None:
    token = registry.accounts.issue("alice", NOW_S)
    (listed,) = registry.accounts.tokens()
    assert (listed.login, listed.hint, listed.is_valid(NOW_S)) == ("alice", token[:11], True)
    assert token not in repr(listed)
    assert hash_of(token) not in repr(listed)


def test_a_token_that_is_not_there_cannot_be_revoked(registry: Application) -> None:
    with pytest.raises(NotFoundError):
        registry.accounts.revoke(1, NOW_S)


def test_a_user_has_a_proper_name(registry: Application) -> None:
    with pytest.raises(InvalidRequestError):
        registry.accounts.issue("../alice", NOW_S)
