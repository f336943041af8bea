"""Responses that clients may ask for again or go on from. In memory, bounded; a restart forgets them. Pure."""

from collections import OrderedDict
from dataclasses import dataclass, field

from pie.limits import OPENAI_RESPONSE_USERS_MAX, OPENAI_RESPONSES_KEPT_BYTES_MAX, OPENAI_RESPONSES_KEPT_MAX
from pie.openai.requests import ChatMessage


@dataclass(frozen=True, slots=True)
class StoredResponse:
    body: bytes
    """As it was answered."""
    messages: tuple[ChatMessage, ...]
    """The conversation up to and including it, without the instructions."""
    size: int
    """What it counts for: bytes of the answer and of the conversation."""


@dataclass(slots=True)
class _Shelf:
    responses: OrderedDict[str, StoredResponse] = field(default_factory=OrderedDict)
    size: int = 0

    def remove(self, response_id: str) -> bool:
        removed = self.responses.pop(response_id, None)
        self.size -= removed.size if removed else 0
        return removed is not None


class ResponseStore:
    """By user: nobody sees what others have stored."""

    def __init__(self) -> None:
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()

    def put(self, username: str, response_id: str, response: StoredResponse) -> None:
        """Keep a response. The user's oldest ones make room; one that is larger than all the room is not kept."""
        shelf = self._shelves.setdefault(username, _Shelf())
        self._shelves.move_to_end(username)
        shelf.remove(response_id)
        shelf.responses[response_id] = response
        shelf.size += response.size
        while len(shelf.responses) > OPENAI_RESPONSES_KEPT_MAX or shelf.size > OPENAI_RESPONSES_KEPT_BYTES_MAX:
            shelf.remove(next(iter(shelf.responses)))
        if len(self._shelves) > OPENAI_RESPONSE_USERS_MAX:
            self._shelves.popitem(last=False)

    def get(self, username: str, response_id: str) -> StoredResponse | None:
        shelf = self._shelves.get(username)
        return shelf.responses.get(response_id) if shelf else None

    def delete(self, username: str, response_id: str) -> bool:
        """Whether there was one."""
        shelf = self._shelves.get(username)
        return shelf.remove(response_id) if shelf else False
