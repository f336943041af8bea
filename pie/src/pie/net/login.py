"""Logging in: who is at the other end. No I/O; randomness comes in from outside.

                    auth_identify                auth_prove
     unidentified ────────────────▶ challenged ─────────────▶ authenticated
          ▲  │ auth_by_token            │ wrong                    ▲
          │  └──────────────────────────┼──────────────────────────┘
          └─────────────────────────────┘

A challenge is good for one proof, right or wrong: a signature that was seen once is worth nothing. Without authentication naming
oneself is enough. The texts are those of Pie 0.4, whose client compares them.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pie.auth.credentials import Credentials
from pie.auth.users import INTERNAL_USER, check_name
from pie.errors import InvalidArgumentError
from pie_wire.messages import (
    ALREADY_AUTHENTICATED,
    AUTHENTICATED,
    AUTHENTICATED_WITHOUT_AUTH,
    AuthByToken,
    AuthIdentify,
    AuthProve,
)

LoginMessage = AuthIdentify | AuthProve | AuthByToken
LoginState = Literal["unidentified", "challenged", "authenticated"]

CHALLENGE_BYTES = 48
INVALID_TOKEN = "Invalid token"
NO_PENDING = "No pending authentication"
NOT_VERIFIED = "Signature verification failed"
KEYLESS_CLIENT = (
    "this server wants to see a key, which clients of Pie 0.5 cannot show: use one that can (pie-client 0.4, or Pie's own), "
    "or a server without authentication"
)


@dataclass(frozen=True, slots=True)
class Reply:
    ok: bool
    text: str
    delay_s: float = 0.0
    """To be sent only after so long."""


@dataclass(frozen=True, slots=True)
class Randomness:
    """What chance decides here."""

    challenge: Callable[[int], bytes]
    """So many bytes that nobody can guess."""
    delay_s: Callable[[], float]
    """How long whoever guesses tokens waits for the answer."""


class Login:
    """The login of one connection."""

    def __init__(self, credentials: Credentials, token: str, randomness: Randomness, *, shows_no_keys: bool = False) -> None:
        """`token`: whoever knows it is `INTERNAL_USER`. `shows_no_keys`: the client takes a challenge for success and would wait
        forever."""
        self._credentials = credentials
        self._token = token.encode()
        self._randomness = randomness
        self._shows_no_keys = shows_no_keys
        self._challenge = b""
        self.state: LoginState = "unidentified"
        self.username = ""
        """Who it is; once the state is `challenged`, who it says it is."""

    def reply(self, message: LoginMessage) -> Reply:
        """What the client gets; the state follows."""
        return TRANSITIONS[self.state][type(message)](self, message)

    def identify(self, message: AuthIdentify) -> Reply:
        self._forget()
        try:
            check_name(message.username)
        except InvalidArgumentError as error:
            return Reply(False, error.message)
        if not self._credentials.enabled:
            return self._authenticated(message.username, AUTHENTICATED_WITHOUT_AUTH)
        if self._credentials.keys_of(message.username) is None:
            return Reply(False, f"User '{message.username}' is not authorized")
        if self._shows_no_keys:
            return Reply(False, KEYLESS_CLIENT)
        self.state = "challenged"
        self.username = message.username
        self._challenge = self._randomness.challenge(CHALLENGE_BYTES)
        return Reply(True, base64.b64encode(self._challenge).decode())

    def prove(self, message: AuthProve) -> Reply:
        username, challenge = self.username, self._challenge
        self._forget()
        try:
            signature = base64.b64decode(message.signature, validate=True)
        except (binascii.Error, ValueError) as error:
            return Reply(False, f"Invalid signature encoding: {error}")
        keys = self._credentials.keys_of(username) or ()
        if not any(key.verify(challenge, signature) for key in keys):
            return Reply(False, NOT_VERIFIED)
        return self._authenticated(username, AUTHENTICATED)

    def show_token(self, message: AuthByToken) -> Reply:
        self._forget()
        username = self._owner_of(message.token)
        if username is None:
            return Reply(False, INVALID_TOKEN, self._randomness.delay_s())
        return self._authenticated(username, AUTHENTICATED)

    def refuse_proof(self, _: AuthProve) -> Reply:
        return Reply(False, NO_PENDING)

    def already(self, message: LoginMessage) -> Reply:
        return Reply(not isinstance(message, AuthProve), ALREADY_AUTHENTICATED)

    def _owner_of(self, token: str) -> str | None:
        if hmac.compare_digest(token.encode(), self._token):
            return INTERNAL_USER
        return self._credentials.user_of_api_key(token) if self._credentials.enabled else None

    def _authenticated(self, username: str, text: str) -> Reply:
        self.state = "authenticated"
        self.username = username
        return Reply(True, text)

    def _forget(self) -> None:
        self.state = "unidentified"
        self.username = ""
        self._challenge = b""


TRANSITIONS: dict[LoginState, dict[type[LoginMessage], Callable[..., Reply]]] = {
    "unidentified": {AuthIdentify: Login.identify, AuthProve: Login.refuse_proof, AuthByToken: Login.show_token},
    "challenged": {AuthIdentify: Login.identify, AuthProve: Login.prove, AuthByToken: Login.show_token},
    "authenticated": {AuthIdentify: Login.already, AuthProve: Login.already, AuthByToken: Login.already},
}
