"""The KV cache: lineages on pages. Append in place, share on fork, copy on write, find by content, evict and compute again.

How a lineage gets KV. Whoever computes (the scheduler's works) puts the tokens into `lineage.tokens`, then

    adopt     takes over pages that the index knows already: those tokens need no computing;
    reserve   gets pages for what will be written, and plans a copy if the first page written to is shared or indexed;
    hand_out  says that a batch with those writes (and copies) is on its way;
    settle    says that it is done, then `advance` says up to where KV is now valid: full pages enter the index. A page that is
              known already (two computed the same at the same time) is given back and the known one used instead;
    void      instead of settle: the batch failed. Nothing advances, and a copied page is swapped back for its original, which has
              been kept for this case;
    trim      forgets tokens that did not become part of the context, and the pages reserved for them.

Accounting: free + resting + leaving + owned + shared = total, where owned pages have one reference and shared ones more.
"""

from array import array

from pie.kv.copies import Copies, Copy
from pie.kv.lineage import Lineage
from pie.kv.pool import PagePool
from pie.kv.statistics import KvStatistics


class KvCache:
    def __init__(self, *, pages_total: int, page_size: int, context_max: int) -> None:
        self.page_size = page_size
        self.context_max = min(context_max, pages_total * page_size)
        """Tokens in the longest lineage there can be."""
        self.pool = PagePool(pages_total)
        self.idle: dict[Lineage, None] = {}
        """Lineages that have pages and that no work is using, the longest unused first: what can be evicted."""
        self._lineages: dict[Lineage, None] = {}
        self._copies = Copies(self.pool)
        self._adopted_tokens = 0
        self._evictions = 0

    # --- Lineages -----------------------------------------------------------------------------------------------------

    def create(self, realm: str = "") -> Lineage:
        """An empty lineage. Only lineages of one realm find each other's pages by content."""
        lineage = Lineage(realm, self.pool.index.root(realm))
        self._lineages[lineage] = None
        return lineage

    def fork(self, parent: Lineage, now: float) -> Lineage:
        """A second lineage with the same content on the same pages. The parent must not be in use."""
        child = self.create(parent.realm)
        child.tokens = parent.tokens[: parent.length]
        child.length, child.computed = parent.length, parent.computed
        child.indexed, child.node = parent.indexed, parent.node
        child.custom_from, child.lost = parent.custom_from, parent.lost
        child.resident_at = parent.resident_at
        child.pages = parent.pages[:]
        for page in child.pages:
            self.pool.retain(page)
        self.vacate(child, now)
        return child

    def recall(self, realm: str, tokens: "array[int]") -> Lineage:
        """A lineage of these tokens that has no pages: they are computed when it is first used."""
        lineage = self.create(realm)
        lineage.tokens, lineage.length = tokens, len(tokens)
        return lineage

    def release(self, lineage: Lineage) -> None:
        """Gives everything back. The lineage is of no use afterwards."""
        self._drop_pages(lineage, 0)
        lineage.released = True
        self.idle.pop(lineage, None)
        del self._lineages[lineage]

    def truncate(self, lineage: Lineage, length: int) -> None:
        """Shortens the lineage to its first `length` tokens, of which it has so many. It must not be in use."""
        assert 0 <= length <= lineage.length
        lineage.length = length
        if lineage.custom_from is not None and lineage.custom_from >= length:
            lineage.custom_from, lineage.lost = None, False
        self.trim(lineage)
        if not lineage.pages:
            self.idle.pop(lineage, None)

    def trim(self, lineage: Lineage) -> None:
        """Forgets tokens beyond `length`, and gives back the pages that nothing computed is on."""
        del lineage.tokens[lineage.length :]
        lineage.computed = min(lineage.computed, lineage.length)
        self._drop_pages(lineage, -(-lineage.computed // self.page_size))

    # --- Who is using it ----------------------------------------------------------------------------------------------

    def occupy(self, lineage: Lineage, now: float) -> None:
        """A work is going to use the lineage: it is not to be evicted behind its back."""
        self.idle.pop(lineage, None)
        if not lineage.pages:
            lineage.resident_at = now

    def vacate(self, lineage: Lineage, now: float) -> None:
        """The work is over."""
        lineage.used_at = now
        self.idle.pop(lineage, None)
        if lineage.pages:
            self.idle[lineage] = None

    def evict(self, lineage: Lineage) -> None:
        """Takes the pages of a recomputable lineage. What of them is indexed rests, and will be adopted again if nobody needs the
        room."""
        assert lineage.recomputable
        self._drop_pages(lineage, 0)
        lineage.computed = 0
        self.idle.pop(lineage, None)
        self._evictions += 1

    # --- Pages for tokens ---------------------------------------------------------------------------------------------

    def adopt(self, lineage: Lineage, limit: int) -> None:
        """Takes over known pages that go on from the computed tokens and lie within the first `limit` tokens."""
        size = self.page_size
        if lineage.custom_from is not None or (lineage.indexed + 1) * size > limit:
            return
        node, known = lineage.node, []
        for end in range((lineage.indexed + 1) * size, limit + 1, size):
            child = node.children.get(lineage.tokens[end - size : end].tobytes())
            if child is None:
                break
            node = child
            known.append(child.page)
        computed = (lineage.indexed + len(known)) * size
        if computed <= lineage.computed:
            return
        for page in known:
            self.pool.retain(page)
        self._drop_pages(lineage, lineage.indexed)
        lineage.pages.extend(known)
        lineage.indexed, lineage.node = len(lineage.pages), node
        self._adopted_tokens += computed - lineage.computed
        lineage.computed = computed

    def copies_on_write(self, lineage: Lineage, start: int) -> bool:
        """Whether writing from `start` on begins with a copy of a page that others use, or may adopt, or are still writing to."""
        index = start // self.page_size
        if index >= len(lineage.pages):
            return False
        page = lineage.pages[index]
        return self.pool.references[page] > 1 or page in self.pool.index or not self.pool.is_quiet(page)

    def pages_short(self, lineage: Lineage, start: int, end: int) -> int:
        """How many pages `reserve` would take."""
        pages = -(-end // self.page_size) - len(lineage.pages)
        return (pages if pages > 0 else 0) + self.copies_on_write(lineage, start)

    def reserve(self, lineage: Lineage, start: int, end: int) -> None:
        """Pages of its own for the tokens from `start` to `end`; `pages_short` of them must be available."""
        pool, pages = self.pool, lineage.pages
        if self.copies_on_write(lineage, start):
            index = start // self.page_size
            assert lineage.indexed <= index, "what is written to is not among the pages that count as indexed"
            pages[index] = self._copies.plan(pages[: index + 1])
        for _ in range(-(-end // self.page_size) - len(pages)):
            pages.append(pool.take())

    def advance(self, lineage: Lineage, computed: int) -> None:
        """KV is valid up to there now."""
        lineage.computed = computed
        plain = computed if lineage.custom_from is None else min(computed, lineage.custom_from)
        while (lineage.indexed + 1) * self.page_size <= plain:
            self._enter(lineage)

    # --- Batches ------------------------------------------------------------------------------------------------------

    def hand_out(self, batch: int) -> tuple[Copy, ...]:
        """A batch with all writes reserved since the last one goes to the driver. Returns the copies it has to do first."""
        self.pool.hand_out(batch)
        return self._copies.hand_out(batch)

    def settle(self, batch: int) -> None:
        """The batch is done, and all before it are."""
        self._copies.settle(batch)
        self.pool.settle(batch)

    def void(self, batch: int) -> list[Lineage]:
        """The batch failed: its copies did not happen. Returns the lineages that have been given the original of a copied page
        again: what was reserved on them in the meantime is not valid any more. The caller trims what was to be written by the
        batch."""
        originals = self._copies.stand_ins(batch)
        changed = [lineage for lineage in self._lineages if originals and self._restore(lineage, originals)]
        self.settle(batch)
        return changed

    def lose(self) -> None:
        """The driver is gone and all KV with it. No lineage is in use. What cannot be computed again is marked as lost."""
        for lineage in self._lineages:
            self._drop_pages(lineage, 0)
            lineage.lost = lineage.lost or (lineage.custom_from is not None and lineage.length > 0)
        self._copies.clear()
        self.idle.clear()
        self.pool.clear()
        for lineage in self._lineages:
            lineage.computed, lineage.indexed, lineage.node = 0, 0, self.pool.index.root(lineage.realm)

    # --- Watching -----------------------------------------------------------------------------------------------------

    @property
    def available(self) -> int:
        return self.pool.available

    @property
    def leaving(self) -> int:
        """Pages that become available when the batches on their way have settled."""
        return self.pool.leaving

    def statistics(self) -> KvStatistics:
        pool = self.pool
        owned = sum(count == 1 for count in pool.references)
        shared = sum(count > 1 for count in pool.references)
        return KvStatistics(
            total=pool.total,
            free=pool.free,
            resting=pool.index.resting,
            leaving=pool.leaving,
            owned=owned,
            shared=shared,
            indexed=len(pool.index),
            lineages=len(self._lineages),
            adopted_tokens=self._adopted_tokens,
            evictions=self._evictions,
        )

    def check(self) -> None:
        """Raises AssertionError if an invariant is broken. Reads everything: for tests and for idle moments."""
        self.pool.check()
        counted = [0] * self.pool.total
        for lineage in self._lineages:
            self._check_lineage(lineage)
            for page in lineage.pages:
                counted[page] += 1
        for copy in self._copies:
            for page in copy.held:
                counted[page] += 1
        assert counted == self.pool.references, "references are those of lineages and of copies on their way"
        for lineage in self.idle:
            assert lineage in self._lineages and lineage.pages, "idle lineages exist and have something to evict"
        statistics = self.statistics()
        parts = statistics.free + statistics.resting + statistics.leaving + statistics.owned + statistics.shared
        assert parts == statistics.total, "every page is accounted for"

    def _check_lineage(self, lineage: Lineage) -> None:
        size = self.page_size
        assert lineage.length <= len(lineage.tokens), "the context's tokens are known"
        assert lineage.computed <= len(lineage.pages) * size, "computed tokens lie on pages"
        plain = lineage.computed if lineage.custom_from is None else min(lineage.computed, lineage.custom_from)
        assert lineage.indexed == plain // size, "full pages are indexed"
        node, tokens = lineage.node, lineage.tokens
        for number in range(lineage.indexed - 1, -1, -1):
            assert node.page == lineage.pages[number], "the path in the index is the lineage's first pages"
            assert node.key == tokens[number * size : (number + 1) * size].tobytes(), "the index knows the page's tokens"
            assert node.parent is not None
            node = node.parent
        assert node is self.pool.index.root(lineage.realm), "the path begins at the root of the lineage's realm"

    # --- Parts --------------------------------------------------------------------------------------------------------

    def _enter(self, lineage: Lineage) -> None:
        number, size = lineage.indexed, self.page_size
        key = lineage.tokens[number * size : (number + 1) * size].tobytes()
        page = lineage.pages[number]
        node = lineage.node.children.get(key)
        if node is None:
            node = self.pool.index.insert(lineage.node, key, page)
        elif node.page != page:
            self.pool.retain(node.page)
            lineage.pages[number] = node.page
            self.pool.release(page)
        lineage.node = node
        lineage.indexed += 1

    def _drop_pages(self, lineage: Lineage, keep: int) -> None:
        """Gives back all pages but the first `keep`, last first, so that the index sees leaves before what they hang on."""
        pages = lineage.pages
        while len(pages) > keep:
            self.pool.release(pages.pop())
        full = min(keep, lineage.computed // self.page_size)
        while lineage.indexed > full:
            assert lineage.node.parent is not None
            lineage.node = lineage.node.parent
            lineage.indexed -= 1

    def _restore(self, lineage: Lineage, originals: dict[int, int]) -> bool:
        """Whether the lineage has a page whose content never came to be; it now has the original in its place."""
        changed = False
        for number, page in enumerate(lineage.pages):
            if page in originals:
                self.pool.retain(originals[page])
                lineage.pages[number] = originals[page]
                self.pool.release(page)
                changed = True
        return changed
