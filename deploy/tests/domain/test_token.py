"""Forwarding tokens."""

import itertools

import pytest

from pie_deploy.domain.token import TOKEN_CHARACTERS, forwarding_token

KEY = bytes(range(32))


def test_a_token_is_always_the_same() -> None:
    assert forwarding_token(KEY, "b-1", "a", "ask", 0) == forwarding_token(KEY, "b-1", "a", "ask", 0)


def test_a_token_has_at_least_128_bits_and_fits_a_url() -> None:
    token = forwarding_token(KEY, "b-1", "a", "ask", 0)
    assert len(token) == TOKEN_CHARACTERS == 32
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_every_part_and_the_key_count() -> None:
    tokens = [
        forwarding_token(KEY, "b-1", "a", "ask", 0),
        forwarding_token(KEY, "b-2", "a", "ask", 0),
        forwarding_token(KEY, "b-1", "b", "ask", 0),
        forwarding_token(KEY, "b-1", "a", "tell", 0),
        forwarding_token(KEY, "b-1", "a", "ask", 1),
        forwarding_token(bytes(32), "b-1", "a", "ask", 0),
    ]
    assert len(set(tokens)) == len(tokens)


def test_parts_cannot_be_shifted_into_each_other() -> None:
    parts = [("b-1", "ab", "c"), ("b-1", "a", "bc"), ("b-1a", "b", "c"), ("b-", "1a", "bc")]
    tokens = [forwarding_token(KEY, *one, 0) for one in parts]
    assert all(one != other for one, other in itertools.combinations(tokens, 2))


def test_a_short_key_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        forwarding_token(b"short", "b-1", "a", "ask", 0)
