"""What a key looks like and how it is known again."""

import hashlib
import random

import pytest
from platform_rows import START_NS, an_api_key

from pie_deploy.domain import api_key as keys
from pie_deploy.domain.role import Role
from pie_deploy.errors import ForbiddenError
from pie_deploy.limits import API_KEY_BYTES


def test_a_key_is_a_prefix_and_all_of_its_random_bytes() -> None:
    made = {keys.secret_of(random.Random(seed).randbytes(API_KEY_BYTES)) for seed in range(50)}
    assert len(made) == 50
    assert all(keys.looks_like_one(secret) and secret.startswith("pie_") and len(secret) == 47 for secret in made)


@pytest.mark.parametrize(
    "text", ["", "pie_", "pie-" + "a" * 43, "pie_" + "a" * 42, "pie_" + "a" * 44, "pie_" + "ä" * 43, "pie_" + "a" * 43 + "\n"]
)
def test_what_cannot_be_a_key_is_not_looked_for(text: str) -> None:
    assert not keys.looks_like_one(text)


def test_a_digest_is_sha256_of_any_text() -> None:
    assert keys.digest_of("a") == hashlib.sha256(b"a").hexdigest()
    assert len(keys.digest_of("\udcff")) == 64


def test_a_key_is_known_by_its_digest_only() -> None:
    key = an_api_key(digest=keys.digest_of("a"))
    assert keys.is_it(key, keys.digest_of("a"))
    assert not keys.is_it(key, keys.digest_of("b"))


def test_a_key_ends_at_its_time() -> None:
    key = an_api_key(expires_at_ns=START_NS)
    assert [keys.is_expired(key, START_NS + offset) for offset in (-1, 0, 1)] == [False, True, True]


def test_what_goes_back_to_a_key_is_found_over_any_number_of_steps() -> None:
    chain = [an_api_key(f"k-{number}", made_with=f"k-{number - 1}") for number in range(1, 500)]
    assert keys.made_with("k-0", reversed(chain)) == [key.id for key in chain]
    assert keys.made_with("k-499", chain) == []


def test_a_refused_role_is_told_with_those_that_are_possible() -> None:
    with pytest.raises(ForbiddenError) as caught:
        keys.check_role(Role.OPERATOR, Role.EDITOR)
    assert caught.value.hint == "possible: operator, viewer"
