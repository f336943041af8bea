"""The verbs of API keys."""

import json
from pathlib import Path

import golden_text
from cli_fakes import FakeApi, run
from cli_rows import SECOND_NS, THEN_NS

from pie_deploy.cli.key import columns
from pie_deploy.cli.screen import Listing
from pie_deploy.domain.role import Role
from pie_deploy.services.views import KeyView, MadeKey

DAY_NS = 86_400 * SECOND_NS


def a_key(name: str = "ci", **changes: object) -> KeyView:
    fields = {
        "id": f"k-{name}",
        "name": name,
        "prefix": "pie_abcd1234",
        "user": "ann",
        "role": Role.VIEWER,
        "granted_by": "ann",
        "made_with": "local",
        "created_at_ns": THEN_NS,
        "expires_at_ns": THEN_NS + 30 * DAY_NS,
    }
    return KeyView(**{**fields, **changes})  # type: ignore[arg-type]


def test_the_table_of_keys_reads() -> None:
    rows = [a_key(), a_key("bot", role=Role.AGENT, user="bob", made_with="k-ci"), a_key("old", expires_at_ns=THEN_NS + DAY_NS)]
    text = "\n".join([*Listing(columns(THEN_NS + 2 * DAY_NS), rows).lines(), ""])
    golden_text.check(Path(__file__).parent / "golden" / "keys.txt", text)


def test_a_new_key_is_all_that_stands_on_stdout(api: FakeApi) -> None:
    api.on("POST", "/v1/keys", MadeKey(key=a_key(), secret="pie_secret"))
    ran = run("key", "create", "--role", "viewer", "--expires", "30d", "--name", "ci")
    assert (ran.code, ran.out) == (0, "pie_secret\n")
    assert ran.err == "pie: key ci of ann, viewer, for 30d; it cannot be shown again\n"
    assert api.asked[-1].json == {"role": "viewer", "expires": "30d", "name": "ci"}


def test_a_key_for_somebody_else_is_asked_for_by_name(api: FakeApi) -> None:
    api.on("POST", "/v1/keys", MadeKey(key=a_key(user="bob"), secret="pie_secret"))
    ran = run("key", "create", "--role", "agent", "--user", "bob", "--json")
    assert json.loads(ran.out)["secret"] == "pie_secret"
    assert api.asked[-1].json == {"role": "agent", "user": "bob"}


def test_a_role_that_is_none_is_a_wrong_call(api: FakeApi) -> None:
    assert run("key", "create", "--role", "god").code == 2
    assert run("key", "create").code == 2
    assert api.asked == []


def test_keys_are_listed_one_s_own_or_all(api: FakeApi) -> None:
    api.on_items("/v1/keys", a_key())
    assert "pie_abcd1234…" in run("key", "list").out
    assert [row["id"] for row in json.loads(run("key", "list", "--all", "--json").out)] == ["k-ci"]
    assert [asked.query for asked in api.asked] == [{}, {"all": "true"}]


def test_without_keys_it_is_said_how_to_make_one(api: FakeApi) -> None:
    api.on_items("/v1/keys")
    assert run("key", "list").err == "pie: there are no keys; make one with: pie key create --role viewer\n"


def test_revoking_tells_everything_that_went(api: FakeApi) -> None:
    api.on("DELETE", "/v1/keys/ci", {"items": [a_key(), a_key("bot")]})
    assert run("key", "revoke", "ci").out == "✓ revoked ci, bot\n"
    assert len(json.loads(run("key", "revoke", "ci", "--json").out)) == 2


def test_a_refusal_is_told_with_the_role_that_would_be_enough(api: FakeApi) -> None:
    api.refuse("GET", "/v1/keys", 403, "forbidden", "an agent may not do this (make-keys)")
    assert run("key", "list").code == 5
