"""`pie key` and what the other verbs do with such keys, against a real control plane."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from cli_fakes import Ran, run

from pie_deploy.app import Platform
from pie_deploy.config import HOME_VARIABLE
from pie_deploy.config.target import KEY_VARIABLE

Pie = Callable[..., Awaitable[Ran]]


@pytest.fixture
def pie(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Pie:
    """A verb, with a key other than the local user's if one is given."""
    monkeypatch.setenv(HOME_VARIABLE, str(platform.home.root))

    async def ran(*arguments: str, key: str = "") -> Ran:
        monkeypatch.setenv(KEY_VARIABLE, key)
        return await asyncio.to_thread(run, *arguments)

    return ran


async def test_a_key_is_made_used_listed_and_revoked(pie: Pie) -> None:
    made = await pie("key", "create", "--role", "viewer", "--expires", "30d", "--name", "ci")
    key = made.out.strip()
    assert (made.code, key[:4]) == (0, "pie_")
    assert (await pie("status", key=key)).code == 0
    refused = await pie("backend", "create", "words", key=key)
    assert refused.code == 5
    assert refused.err == "pie: a viewer may not do this (edit)\n  the role editor would be enough\n"
    (row,) = json.loads((await pie("key", "list", "--json")).out)
    assert (row["name"], row["role"], row["prefix"]) == ("ci", "viewer", key[:12])
    assert (await pie("key", "revoke", "ci")).out == "✓ revoked ci\n"
    assert (await pie("status", key=key)).code == 5


async def test_an_owner_lets_somebody_in_who_makes_weaker_keys(pie: Pie) -> None:
    bobs = (await pie("key", "create", "--role", "operator", "--user", "bob")).out.strip()
    stronger = await pie("key", "create", "--role", "editor", key=bobs)
    assert (stronger.code, stronger.err.splitlines()[1]) == (5, "  possible: operator, viewer")
    weaker = (await pie("key", "create", "--role", "viewer", key=bobs)).out.strip()
    assert {row["user"] for row in json.loads((await pie("key", "list", "--json", key=weaker)).out)} == {"bob"}
    everything = json.loads((await pie("key", "list", "--all", "--json")).out)
    await pie("key", "revoke", next(row["id"] for row in everything if row["role"] == "operator"))
    assert (await pie("status", key=weaker)).code == 5
