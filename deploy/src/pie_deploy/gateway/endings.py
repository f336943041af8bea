"""What has to end when its route does: WebSockets and streams that would go on for ever."""

from collections.abc import Callable

End = Callable[[], None]


class RouteGone(Exception):
    """The endpoint is no longer there, or is another container."""


class Endings:
    def __init__(self) -> None:
        self._by_token: dict[bytes, dict[object, End]] = {}

    def add(self, token: bytes, holder: object, end: End) -> None:
        """`end` is called when the route of the token goes."""
        self._by_token.setdefault(token, {})[holder] = end

    def discard(self, token: bytes, holder: object) -> None:
        holders = self._by_token.get(token)
        if holders is not None and holders.pop(holder, None) is not None and not holders:
            del self._by_token[token]

    def end(self, token: bytes) -> None:
        for end in self._by_token.pop(token, {}).values():
            end()

    def end_all(self) -> None:
        for token in tuple(self._by_token):
            self.end(token)
