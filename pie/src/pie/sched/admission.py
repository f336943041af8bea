"""Who has pages. Works wait here until there is room, and give way when older ones need it.

A work is *running* while it has pages for all tokens it knows; else it is *waiting*. Rules:

1. Waiting works are admitted in order of arrival. None passes one that lacks room, unless it needs no page at all.
2. Room is made, in this order: pages that are free or rest in the index; contexts that nobody uses at the moment (longest unused
   first; *parked* for `IDLE_GRACE_S`, or in use but resident for `RESIDENCE_S` already, see rule 5); generations that pause because
   their reader is slow. All that is evicted can be computed again, so nothing is lost but time.
3. A running generation that grows into a new page and finds no room takes it from the youngest running work that is younger than
   itself: that one is evicted and waits again, in its old place. If there is none it sits out a batch.
4. A newcomer leaves one page for each running generation, so that it is not preempted as soon as it is admitted.
5. When the contexts in use do not fit all at once, each keeps its pages for a time slice; without it every pass would evict the
   context that comes next.

Why it cannot deadlock. Take the oldest running work. Nobody preempts it (rule 3), and it can take the pages of all others that can
be computed again, at the latest after `RESIDENCE_S`. No work may need more than all pages together (refused on arrival). So it
proceeds until it ends; then the next is the oldest. If nothing runs, the first in the queue gets whatever it needs (rule 2). Nobody
starves: works that arrived before a given one are finite in number, and each ends (a generation has a bound).

The exception are contexts with masks or positions of their own. They cannot be computed again and keep their pages until released.
If nothing moves because of them, and every process that holds such pages is itself waiting here, nobody can release any: then the
youngest work is told `OutOfPagesError` (`stuck`).

A work whose tokens are just being computed by a running one (many processes with one system prompt) waits until they are known,
then adopts them. It holds nobody up meanwhile, and waits for running works only, so for something that ends.

A preempted work that has batches on its way keeps the tokens they bring, though the KV is gone; it is admitted again when they have
settled.
"""

from bisect import insort

from pie.kv.cache import KvCache
from pie.kv.lineage import Lineage
from pie.limits import IDLE_GRACE_S, RESIDENCE_S, SHARED_PREFILL_TOKENS
from pie.sched.generation import Generation
from pie.sched.works import AnyWork


def _age(work: AnyWork) -> int:
    return work.id


class Admission:
    def __init__(self, kv: KvCache) -> None:
        self.waiting: list[AnyWork] = []
        self.running: dict[int, AnyWork] = {}
        self.preemptions = 0
        self._kv = kv
        self._blocked = False
        self._shared_tokens = SHARED_PREFILL_TOKENS

    def enqueue(self, work: AnyWork) -> None:
        """A work whose turn it is on its context wants to run."""
        if self.waiting and self.waiting[-1].id > work.id:
            insort(self.waiting, work, key=_age)
        else:
            self.waiting.append(work)

    def leave(self, work: AnyWork, now: float) -> None:
        """The work has ended; its lineage is trimmed and may be evicted from now on."""
        if self.running.pop(work.id, None) is None:
            self.waiting.remove(work)
        self._kv.trim(work.lineage)
        self._kv.vacate(work.lineage, now)

    def admit(self, now: float) -> None:
        """Gives pages to as many waiting works as there is room for."""
        self._blocked = False
        candidates, self.waiting = self.waiting, []
        for work in candidates:
            if not self._admitted(work, now):
                self.enqueue(work)

    def grow(self, work: Generation, end: int, now: float, composing: set[int]) -> bool:
        """Pages for KV up to `end`, at the expense of younger works if need be, but not of those in `composing`."""
        kv = self._kv
        while (needed := kv.pages_short(work.lineage, work.handed, end)) > kv.available:
            if needed <= kv.available + kv.leaving:
                return False
            if not (self._make_room(now) or self._preempt_younger(work, composing)):
                self._blocked = True
                return False
        kv.reserve(work.lineage, work.handed, end)
        return True

    def room(self, work: Generation, end: int) -> bool:
        """Pages for KV up to `end`, if that is at nobody's expense."""
        kv = self._kv
        if kv.pages_short(work.lineage, work.handed, end) > kv.available:
            return False
        kv.reserve(work.lineage, work.handed, end)
        return True

    def preempt(self, work: AnyWork) -> None:
        """Takes the work's pages; it waits again."""
        del self.running[work.id]
        self._kv.evict(work.lineage)
        work.residency += 1
        self.preemptions += 1
        self.enqueue(work)

    def wake_at(self, now: float) -> float | None:
        """When a context will be evictable that somebody is waiting for; None if nobody waits for that."""
        if not self._blocked:
            return None
        later = [_parked_at(lineage) for lineage in self._kv.idle if lineage.recomputable]
        return min([moment for moment in later if moment > now], default=None)

    def stuck(self, now: float) -> AnyWork | None:
        """Asked when nothing is on its way: the youngest work, if works wait for pages that nothing here will ever free."""
        if not self._blocked or self.wake_at(now) is not None:
            return None
        return max([*self.waiting, *self.running.values()], key=_age, default=None)

    def check(self) -> None:
        """Raises AssertionError if an invariant is broken."""
        for work in [*self.running.values(), *self.waiting]:
            assert not work.done and work.begun and work.context.works[0] is work, "who is here is the first on its context"
        for work in self.running.values():
            assert work.lineage not in self._kv.idle, "what a running work uses is not evictable"
            assert work.handed <= len(work.lineage.pages) * self._kv.page_size, "what is handed out has pages"
        assert self.waiting == sorted(self.waiting, key=_age), "works wait in order of arrival"

    # --- Parts --------------------------------------------------------------------------------------------------------

    def _admitted(self, work: AnyWork, now: float) -> bool:
        if work.paused:
            return False
        if self._blocked:
            return self._needs_nothing(work) and self._take_in(work, now)
        if work.in_flight:
            self._blocked = True
            return False
        return self._take_in(work, now)

    def _needs_nothing(self, work: AnyWork) -> bool:
        return not work.in_flight and self._kv.pages_short(work.lineage, work.lineage.computed, work.end) == 0

    def _take_in(self, work: AnyWork, now: float) -> bool:
        kv, lineage = self._kv, work.lineage
        kv.occupy(lineage, now)
        kv.adopt(lineage, work.adoptable())
        shared = self._computed_by_another(work)
        if shared or (not self._find_room(work, now) and not (self._start_afresh(work) and self._find_room(work, now))):
            self._blocked = not shared
            kv.vacate(lineage, lineage.used_at)
            return False
        kv.reserve(lineage, lineage.computed, work.end)
        work.readmit()
        self.running[work.id] = work
        return True

    def _computed_by_another(self, work: AnyWork) -> bool:
        """Whether a running work is on its way through the very tokens that this one needs next."""
        lineage = work.lineage
        begin = lineage.indexed * self._kv.page_size
        end = begin + self._shared_tokens
        if work.adoptable() < end or not lineage.recomputable:
            return False
        return any(
            other.lineage.node is lineage.node
            and other.end >= end
            and not other.paused
            and other.lineage.recomputable
            and other.lineage.tokens[begin:end] == lineage.tokens[begin:end]
            for other in self.running.values()
        )

    def _find_room(self, work: AnyWork, now: float) -> bool:
        kv, lineage = self._kv, work.lineage
        while needed := kv.pages_short(lineage, lineage.computed, work.end):
            spare = len(self.running)
            if needed + spare <= kv.available:
                return True
            if needed + spare <= kv.available + kv.leaving or not self._make_room(now):
                return False
        return True

    def _start_afresh(self, work: AnyWork) -> bool:
        """A copy on write needs a page more than the tokens do. Without room for it: give up the partial page and compute it
        again."""
        kv, lineage = self._kv, work.lineage
        if not (lineage.recomputable and lineage.pages and kv.copies_on_write(lineage, lineage.computed)):
            return False
        kv.evict(lineage)
        kv.adopt(lineage, work.adoptable())
        return True

    def _make_room(self, now: float) -> bool:
        """Evicts one lineage that nobody is using."""
        for lineage in self._kv.idle:
            if lineage.recomputable and _parked_at(lineage) <= now:
                self._kv.evict(lineage)
                return True
        paused = [work for work in self.running.values() if work.paused and not work.in_flight and work.lineage.recomputable]
        if paused:
            self.preempt(max(paused, key=_age))
        return bool(paused)

    def _preempt_younger(self, work: AnyWork, composing: set[int]) -> bool:
        younger = [
            other
            for other in self.running.values()
            if other.id > work.id and other.id not in composing and other.lineage.recomputable
        ]
        if younger:
            self.preempt(max(younger, key=_age))
        return bool(younger)


def _parked_at(lineage: Lineage) -> float:
    return min(lineage.used_at + IDLE_GRACE_S, lineage.resident_at + RESIDENCE_S)
