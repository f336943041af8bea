"""Who gets in, and with which words. The texts are those that Pie 0.4's clients compare."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from pie.auth import api_keys, users
from pie.auth.credentials import Credentials
from pie.config.home import Home
from pie.net.login import CHALLENGE_BYTES, KEYLESS_CLIENT, Login, LoginMessage, Randomness, Reply
from pie_wire.messages import AuthByToken, AuthIdentify, AuthProve

KEY = Ed25519PrivateKey.generate()
OTHER_KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
API_KEY = api_keys.generate()
TOKEN = "secret"


class Challenges:
    """Different ones each time."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return bytes([self.count % 256]) * size


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    users.change(home.users, lambda all_: users.with_key(users.with_user(all_, "bob"), "ada", "laptop", PUBLIC))
    api_keys.change(home.api_keys, lambda all_: api_keys.with_key(all_, "ada", "script", API_KEY, ""))
    return home


@pytest.fixture
def login(home: Home) -> Login:
    return Login(Credentials(home, enabled=True), TOKEN, Randomness(Challenges(), lambda: 1.5))


def without_auth(home: Home) -> Login:
    return Login(Credentials(home, enabled=False), TOKEN, Randomness(Challenges(), lambda: 1.5))


def signature(challenge: Reply, key: Ed25519PrivateKey = KEY) -> AuthProve:
    return AuthProve(2, base64.b64encode(key.sign(base64.b64decode(challenge.text))).decode())


def test_a_known_user_proves_with_a_key(login: Login) -> None:
    challenge = login.reply(AuthIdentify(1, "ada"))
    assert challenge.ok
    assert len(base64.b64decode(challenge.text)) == CHALLENGE_BYTES
    assert login.reply(signature(challenge)) == Reply(True, "Authenticated")
    assert (login.state, login.username) == ("authenticated", "ada")


def test_an_unknown_user_is_not_authorized(login: Login) -> None:
    assert login.reply(AuthIdentify(1, "eve")) == Reply(False, "User 'eve' is not authorized")


def test_a_wrong_key_is_not_verified_and_uses_up_the_challenge(login: Login) -> None:
    challenge = login.reply(AuthIdentify(1, "ada"))
    assert login.reply(signature(challenge, OTHER_KEY)) == Reply(False, "Signature verification failed")
    assert login.reply(signature(challenge)) == Reply(False, "No pending authentication")


def test_a_signature_of_an_earlier_challenge_is_worth_nothing(login: Login) -> None:
    replayed = signature(login.reply(AuthIdentify(1, "ada")))
    login.reply(AuthIdentify(1, "ada"))
    assert login.reply(replayed).text == "Signature verification failed"


def test_a_key_of_one_user_proves_nothing_about_another(login: Login) -> None:
    assert not login.reply(signature(login.reply(AuthIdentify(1, "bob")))).ok


def test_text_that_is_no_base64_is_told_apart(login: Login) -> None:
    login.reply(AuthIdentify(1, "ada"))
    reply = login.reply(AuthProve(2, "%%%"))
    assert reply.text.startswith("Invalid signature encoding: ")
    assert login.state == "unidentified"


def test_a_proof_without_a_challenge_is_refused(login: Login) -> None:
    assert login.reply(AuthProve(2, "AAAA")) == Reply(False, "No pending authentication")


def test_the_servers_token_makes_internal(login: Login) -> None:
    assert login.reply(AuthByToken(1, TOKEN)) == Reply(True, "Authenticated")
    assert login.username == "internal"


def test_an_api_key_makes_its_user(login: Login) -> None:
    assert login.reply(AuthByToken(1, API_KEY)).ok
    assert login.username == "ada"


def test_a_wrong_token_is_answered_late(login: Login, home: Home) -> None:
    assert login.reply(AuthByToken(1, "guess")) == Reply(False, "Invalid token", 1.5)
    assert without_auth(home).reply(AuthByToken(1, "gu\u00e9ss")) == Reply(False, "Invalid token", 1.5)


def test_after_the_login_there_is_nothing_more_to_log_in(login: Login) -> None:
    login.reply(AuthByToken(1, TOKEN))
    assert login.reply(AuthIdentify(1, "ada")) == Reply(True, "Already authenticated")
    assert login.reply(AuthByToken(1, "guess")) == Reply(True, "Already authenticated")
    assert login.reply(AuthProve(1, "AAAA")) == Reply(False, "Already authenticated")
    assert login.username == "internal"


def test_without_authentication_a_name_is_enough_and_the_text_is_exact(home: Home) -> None:
    reply = without_auth(home).reply(AuthIdentify(1, "anybody"))
    assert reply == Reply(True, "Authenticated (Engine disabled authentication)")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a:b", "x" * 65, "internal", "a\nb", "\u0430da"])
def test_names_that_mean_something_elsewhere_are_refused(login: Login, home: Home, name: str) -> None:
    assert not login.reply(AuthIdentify(1, name)).ok
    assert not without_auth(home).reply(AuthIdentify(1, name)).ok


def test_a_client_that_cannot_show_a_key_is_told_instead_of_left_waiting(home: Home) -> None:
    login = Login(Credentials(home, enabled=True), TOKEN, Randomness(Challenges(), lambda: 1.5), shows_no_keys=True)
    assert login.reply(AuthIdentify(1, "ada")) == Reply(False, KEYLESS_CLIENT)


login_messages = st.one_of(
    st.builds(AuthIdentify, st.just(1), st.sampled_from(["ada", "bob", "eve", "internal"]) | st.text()),
    st.builds(AuthProve, st.just(1), st.text() | st.binary(max_size=64).map(lambda data: base64.b64encode(data).decode())),
    st.builds(AuthByToken, st.just(1), st.text()),
)


@given(st.lists(login_messages, max_size=8))
def test_nobody_gets_in_by_trying(tmp_path_factory: pytest.TempPathFactory, messages: list[LoginMessage]) -> None:
    home = Home(tmp_path_factory.getbasetemp() / "fuzzed")
    if not home.users.exists():
        users.change(home.users, lambda all_: users.with_key(all_, "ada", "laptop", PUBLIC))
    login = Login(Credentials(home, enabled=True), TOKEN, Randomness(Challenges(), lambda: 0.0))
    for message in messages:
        login.reply(message)
        assert login.state != "authenticated"
