"""Responses that clients may ask for again or go on from. In memory, bounded; a restart forgets them. Pure."""

from collections import OrderedDict
from dataclasses import dataclass, field

from pie.limits import OPENAI_RESPONSES_KEPT_BYTES_MAX, OPENAI_RESPONSES_KEPT_BYTES_TOTAL_MAX, OPENAI_RESPONSES_KEPT_MAX
from pie.openai.requests import ChatMessage

OVERHEAD_BYTES = 1024
"""What a response takes besides its text, about."""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    body: bytes
    """As it was answered."""
    messages: tuple[ChatMessage, ...]
    """The conversation up to and including it, without the instructions."""
    text_bytes: int
    """Of the answer and the conversation."""

    @property
    def size(self) -> int:
        """What it counts for."""
        return self.text_bytes + OVERHEAD_BYTES


@dataclass(slots=True)
class _Shelf:
    """One user's responses, the oldest first."""

    responses: OrderedDict[str, StoredResponse] = field(default_factory=OrderedDict)
    size: int = 0

    def put(self, response_id: str, response: StoredResponse) -> None:
        self.remove(response_id)
        self.responses[response_id] = response
        self.size += response.size

    def remove(self, response_id: str) -> bool:
        removed = self.responses.pop(response_id, None)
        self.size -= removed.size if removed else 0
        return removed is not None

    @property
    def overfull(self) -> bool:
        return len(self.responses) > OPENAI_RESPONSES_KEPT_MAX or self.size > OPENAI_RESPONSES_KEPT_BYTES_MAX


class ResponseStore:
    """By user: nobody sees what others have stored."""

    def __init__(self) -> None:
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()
        """Whoever stored something last is last."""
        self.size = 0
        """Of all shelves."""

    def put(self, username: str, response_id: str, response: StoredResponse) -> None:
        """Keep a response. The user's oldest ones make room; one that is larger than all the room is not kept."""
        shelf = self._shelves.setdefault(username, _Shelf())
        self._shelves.move_to_end(username)
        self.size -= shelf.size
        shelf.put(response_id, response)
        while shelf.overfull:
            shelf.remove(next(iter(shelf.responses)))
        self.size += shelf.size
        while self.size > OPENAI_RESPONSES_KEPT_BYTES_TOTAL_MAX:
            _, oldest = self._shelves.popitem(last=False)
            self.size -= oldest.size

    def get(self, username: str, response_id: str) -> StoredResponse | None:
        shelf = self._shelves.get(username)
        return shelf.responses.get(response_id) if shelf else None

    def delete(self, username: str, response_id: str) -> bool:
        """Whether there was one."""
        shelf = self._shelves.get(username)
        if shelf is None:
            return False
        self.size -= shelf.size
        removed = shelf.remove(response_id)
        self.size += shelf.size
        if not shelf.responses:
            del self._shelves[username]
        return removed
