"""A generation that runs in the engine, seen from the program that reads it."""

from typing import Any

from inferlet import _host as host
from inferlet._loop import running_loop


class Stream:
    """Reads chunks and remembers what the program has been given, so that the context can be cut back to exactly that."""

    __slots__ = ("_handle", "_pollable", "last_token", "tokens_read")

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._pollable: Any = None
        self.tokens_read = 0
        self.last_token: int | None = None

    async def next(self) -> Any:
        """The next chunk. Other tasks of the program run meanwhile, if there are any."""
        if running_loop().alone():
            chunk = host.call(self._handle.next)
        else:
            while (result := self._handle.read()) is None:
                await self._wait()
            chunk = host.value_of(result)
        self._note(chunk)
        return chunk

    async def collect(self) -> tuple[list[int], str, Any]:
        """All that is left: tokens, text and the last chunk."""
        if running_loop().alone():
            chunk = host.call(self._handle.collect)
            self._note(chunk)
            return chunk.tokens, chunk.text, chunk
        tokens: list[int] = []
        text = ""
        while True:
            chunk = await self.next()
            tokens += chunk.tokens
            text += chunk.text
            if chunk.finish is not None:
                return tokens, text, chunk

    def keep(self) -> None:
        """Ends the generation. The context then holds the prompt and what was read, but for the last token."""
        host.call(self._handle.keep, max(0, self.tokens_read - 1))

    def drop(self) -> None:
        """Gives the handles back: the pollable first, for it belongs to the generation."""
        if self._pollable is not None:
            self._pollable.__exit__(None, None, None)
        self._handle.__exit__(None, None, None)

    async def _wait(self) -> None:
        if self._pollable is None:
            self._pollable = self._handle.subscribe()
        await running_loop().wait(self._pollable)

    def _note(self, chunk: Any) -> None:
        if chunk.tokens:
            self.tokens_read += len(chunk.tokens)
            self.last_token = chunk.tokens[-1]
