"""Physical pages: who refers to them, and when they may be used again.

                       take                          last reference gone
      ┌──────┐ ─────────────────▶ ┌──────┐ ────────────────────────────────────▶ ┌─────────┐
      │ free │                    │ held │ ◀──────────────── retain ──────────── │ leaving │
      └──────┘ ◀──────────┐       └──────┘ ◀───────┐                             └─────────┘
          ▲               │                        │ retain                           │ every batch handed out before has settled
          │ evict         │ not indexed            │                                  │
      ┌─────────┐ ────────┼────────────────────────┘                                  │
      │ resting │ ◀───────┴───────────────────────────────────────────────────────────┘
      └─────────┘  indexed

*held*: one or more lineages refer to it. *leaving*: nobody refers to it, but batches that were handed out earlier may still read or
write it, so it is not used for anything new until the last of them has settled. (Batches settle in the order in which they were
handed out, so one number per page says when. Nothing has to know which batch uses which page.) *resting*: full, known by content,
and free for the taking. Free and resting pages together are what is *available*.
"""

from collections import deque

from pie.kv.index import ContentIndex


class PagePool:
    def __init__(self, pages_total: int) -> None:
        self.total = pages_total
        self.index = ContentIndex(pages_total)
        self.references = [0] * pages_total
        self.leaving = 0
        self._free = list(range(pages_total - 1, -1, -1))
        self._departures: deque[tuple[int, int]] = deque()
        self._leaves_after = [0] * pages_total
        """The batch that a leaving page waits for; 0 for all other pages."""
        self._let_go_after = [0] * pages_total
        """The last batch handed out when one of several users let go of the page."""
        self._handed_out = 0
        self._settled = 0

    @property
    def free(self) -> int:
        return len(self._free)

    @property
    def available(self) -> int:
        """How many pages `take` could give now."""
        return len(self._free) + self.index.resting

    def take(self) -> int:
        """A page of the caller's own, with no content. The caller has looked at `available`."""
        if self._free:
            page = self._free.pop()
        else:
            evicted = self.index.evict()
            assert evicted is not None, "whoever takes a page has looked whether one is available"
            page = evicted
        self.references[page] = 1
        return page

    def retain(self, page: int) -> None:
        """One more reference to a page that has content."""
        self.references[page] += 1
        if self.references[page] > 1:
            return
        if self._leaves_after[page]:
            self._leaves_after[page] = 0
            self.leaving -= 1
        else:
            self.index.wake(page)

    def release(self, page: int) -> None:
        """One reference less."""
        assert self.references[page] > 0, "a page is released as often as it is retained"
        self.references[page] -= 1
        if self.references[page]:
            self._let_go_after[page] = self._handed_out
            return
        if self._handed_out == self._settled:
            self._retire(page)
            return
        self._leaves_after[page] = self._handed_out
        self._departures.append((self._handed_out, page))
        self.leaving += 1

    def is_quiet(self, page: int) -> bool:
        """Whether nobody who has let go of the page can still write to it by a batch on its way."""
        return self._let_go_after[page] <= self._settled

    def hand_out(self, batch: int) -> None:
        """A batch goes to the driver. Batch ids ascend."""
        assert batch > self._handed_out
        self._handed_out = batch

    def settle(self, batch: int) -> None:
        """The batch, and all before it, will not touch a page any more."""
        self._settled = batch
        while self._departures and self._departures[0][0] <= batch:
            left_after, page = self._departures.popleft()
            if self._leaves_after[page] == left_after:
                self._leaves_after[page] = 0
                self.leaving -= 1
                self._retire(page)

    def clear(self) -> None:
        """All content is void and nobody refers to any page: everything is free."""
        assert not any(self.references), "references are given up first"
        self.index.clear()
        self._departures.clear()
        self._leaves_after = [0] * self.total
        self.leaving = 0
        self._settled = self._handed_out
        self._free = list(range(self.total - 1, -1, -1))

    def check(self) -> None:
        """Raises AssertionError if an invariant is broken."""
        self.index.check()
        held = sum(count > 0 for count in self.references)
        assert held + self.leaving + self.available == self.total, "every page is free, resting, leaving or held"
        assert self.leaving == sum(batch > 0 for batch in self._leaves_after), "leaving pages are counted"
        assert len(set(self._free)) == len(self._free), "a page is free once"
        for page in self._free:
            assert not self.references[page] and page not in self.index and not self._leaves_after[page], "free pages have no past"
        for page, batch in enumerate(self._leaves_after):
            assert not batch or (batch > self._settled and not self.references[page]), "leaving pages wait for a batch on its way"

    def _retire(self, page: int) -> None:
        if page in self.index:
            self.index.rest(page)
        else:
            self._free.append(page)
