"""Copies of pages on their way: planned when somebody writes to a page that others use, done by the driver before the batch's
requests.

A copy refers to its source, and to the pages before it in the lineage, until its batch has settled: so the source keeps its
content, and its place in the index if it has one, and can be given back if the batch fails.
"""

from __future__ import annotations  # array[int] is not to be evaluated in Python 3.11

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pie.kv.pool import PagePool


@dataclass(frozen=True, slots=True)
class Copy:
    source: int
    target: int
    held: array[int]
    """What the copy refers to; the source is the last."""
    batch: int = 0
    """0: not handed out yet."""


class Copies:
    def __init__(self, pool: PagePool) -> None:
        self._pool = pool
        self._copies: list[Copy] = []

    def __iter__(self) -> Iterator[Copy]:
        return iter(self._copies)

    def plan(self, pages: array[int]) -> int:
        """A copy of the last of these first pages of a lineage, to be used in its place. Returns the copy; the lineage's reference
        to the original passes to the copy."""
        for page in pages[:-1]:
            self._pool.retain(page)
        copy = Copy(pages[-1], self._pool.take(), pages)
        self._copies.append(copy)
        return copy.target

    def hand_out(self, batch: int) -> tuple[Copy, ...]:
        """The copies planned since the last batch go with this one."""
        if not self._copies:
            return ()
        new = tuple([replace(copy, batch=batch) for copy in self._copies if not copy.batch])
        self._copies = [copy for copy in self._copies if copy.batch] + list(new)
        return new

    def settle(self, batch: int) -> None:
        """The batch's copies are done, or will never be."""
        if self._copies:
            done = [copy for copy in self._copies if copy.batch == batch]
            self._copies = [copy for copy in self._copies if copy.batch != batch]
            self._let_go(done)

    def clear(self) -> None:
        """None of the copies will be done."""
        copies, self._copies = self._copies, []
        self._let_go(copies)

    def stand_ins(self, batch: int) -> dict[int, int]:
        """Of a batch that failed: the original for each page that has no content because of it. A later batch may have been told to
        copy such a page, so copies of copies are among them."""
        originals: dict[int, int] = {}
        for copy in self._copies:
            if copy.batch == batch or copy.source in originals:
                originals[copy.target] = originals.get(copy.source, copy.source)
        return originals

    def _let_go(self, copies: list[Copy]) -> None:
        for copy in copies:
            for page in reversed(copy.held):
                self._pool.release(page)
