"""Ways to tell an engine who one is. They are kept, to log in again on a new connection."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pie_client.connection import Reply
from pie_client.errors import LoginError, ProtocolError
from pie_client.keys import ParsedPrivateKey
from pie_wire.messages import AUTHENTICATED_WITHOUT_AUTH, AuthByToken, AuthIdentify, AuthProve, ClientMessage

Ask = Callable[[Callable[[int], ClientMessage]], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class KeyLogin:
    """A user who signs the engine's challenge with a private key; without one, an engine that asks for no proof is needed."""

    username: str
    key: ParsedPrivateKey | None

    async def perform(self, ask: Ask) -> None:
        """Raises `LoginError`."""
        reply = await ask(lambda corr_id: AuthIdentify(corr_id, self.username))
        if not reply.ok:
            raise LoginError(f"Username '{self.username}' rejected by server", reply.result)
        if reply.result == AUTHENTICATED_WITHOUT_AUTH:
            return
        if self.key is None:
            raise LoginError("Login failed", "Server requires public key authentication but no private key provided")
        signature = base64.b64encode(self.key.sign(_challenge(reply.result))).decode()
        proved = await ask(lambda corr_id: AuthProve(corr_id, signature))
        if not proved.ok:
            raise LoginError(f"Signature verification failed for username '{self.username}'", proved.result)


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """An engine's own token, or an API key of a user."""

    token: str

    async def perform(self, ask: Ask) -> None:
        """Raises `LoginError`."""
        reply = await ask(lambda corr_id: AuthByToken(corr_id, self.token))
        if not reply.ok:
            raise LoginError("Internal authentication failed", reply.result)


def _challenge(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError(f"the engine's challenge is not base64: {text[:80]!r}") from error
