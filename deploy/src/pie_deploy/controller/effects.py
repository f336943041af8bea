"""Carries out the effects of a plan. Each runs as a task, at most one per container at a time, so a slow one holds nobody up.

What came of them is seen by the next plan: `busy` while one is under way, `prepared`, `saved`, `removed` when it has worked, a
`Failure` and a time to try again when it has not. All of that is forgotten when the control plane ends, and may be: doing it
again is harmless.

A container stays `busy` until the launchers were looked at after its effect had ended: what was seen before does not show what the
effect did, and the plan of such a view would do it once more.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from pie_deploy.clock import Clock
from pie_deploy.domain.actions import (
    AssignPorts,
    Effect,
    Kill,
    Prepare,
    PushConfig,
    Remove,
    SaveGenerated,
    SendGo,
    Start,
    Stop,
)
from pie_deploy.domain.observation import NOTHING, Failure, Link, Process, Seen
from pie_deploy.errors import DeployError
from pie_deploy.limits import EFFECT_RETRY_FIRST_NS, EFFECT_RETRY_MAX_NS, PREPARATIONS_MAX, STARTS_MAX

_log = logging.getLogger(__name__)

Perform = Callable[[Effect], Awaitable[None]]


@dataclass(slots=True)
class _Memory:
    """What is remembered of one container's effects."""

    task: asyncio.Task[None] | None = None
    effect: Effect | None = None
    """What the task does."""
    is_unseen: bool = False
    """Nobody has looked since the last one ended."""
    prepared: bool = False
    saved: bool = False
    removed: bool = False
    failure: Failure | None = None
    failures: int = 0
    retry_at_ns: int = 0


@dataclass(frozen=True, slots=True)
class EffectStatistics:
    under_way: int
    queued: int
    """Of those, how many wait for their turn."""
    done: int
    failed: int


@dataclass(slots=True)
class Effects:
    """perform: does one, raises DeployError or OSError when it does not work. nudge: called when one has ended."""

    perform: Perform
    clock: Clock
    nudge: Callable[[], None]
    on_done: Callable[[Effect], None] | None = None
    """Told of each effect that worked: for tests that end the world there."""
    _memories: dict[str, _Memory] = field(default_factory=dict)
    _preparing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PREPARATIONS_MAX))
    _starting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STARTS_MAX))
    _unseen: list[_Memory] = field(default_factory=list)
    _queued: int = 0
    _done: int = 0
    _failed: int = 0

    def begin(self, effect: Effect) -> None:
        """Start it; nothing happens when another one of that container is under way, but that a preparation is broken off for
        what ends the container.
        """
        memory = self._memories.setdefault(effect.container_id, _Memory())
        former = memory.task
        if former is not None:
            if not isinstance(memory.effect, Prepare) or isinstance(effect, Prepare):
                return
            former.cancel()
        name = f"{type(effect).__name__} {effect.container_id}"
        memory.task, memory.effect = asyncio.create_task(self._run(effect, memory, former), name=name), effect

    def looking(self) -> None:
        """The launchers are about to be looked at: what has ended by now will be seen."""
        for memory in self._unseen:
            memory.is_unseen = False
        self._unseen.clear()

    def seen(self, container_id: str, process: Process | None, link: Link | None) -> Seen:
        memory = self._memories.get(container_id)
        if memory is None:
            return NOTHING if process is None and link is None else Seen(process=process, link=link)
        return Seen(
            process=process,
            link=link,
            busy=memory.task is not None or memory.is_unseen,
            preparing=memory.task is not None and isinstance(memory.effect, Prepare),
            prepared=memory.prepared,
            saved=memory.saved,
            removed=memory.removed,
            failure=memory.failure,
            retry_at_ns=memory.retry_at_ns,
        )

    def keep_only(self, container_ids: Collection[str]) -> None:
        """Forget containers that are no more, except for what is under way."""
        for container_id in [known for known in self._memories if known not in container_ids]:
            if self._memories[container_id].task is None:
                del self._memories[container_id]

    def under_way(self) -> int:
        return sum(memory.task is not None for memory in self._memories.values())

    def next_retry_ns(self) -> int | None:
        """When an action that failed may be tried again; None: none has."""
        return min((memory.retry_at_ns for memory in self._memories.values() if memory.retry_at_ns), default=None)

    async def close(self) -> None:
        """Cancel what is under way and wait for it."""
        tasks = [memory.task for memory in self._memories.values() if memory.task is not None]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    def statistics(self) -> EffectStatistics:
        return EffectStatistics(under_way=self.under_way(), queued=self._queued, done=self._done, failed=self._failed)

    async def _run(self, effect: Effect, memory: _Memory, former: asyncio.Task[None] | None) -> None:
        """former: one that is being broken off; it ends first."""
        try:
            if former is not None:
                await asyncio.wait((former,))
            await self._perform_in_turn(effect)
        except (DeployError, OSError) as error:
            self._remember_failure(effect, memory, str(error))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # a bug must not stop the loop for all others
            _log.exception("%s", effect)
            self._remember_failure(effect, memory, f"{type(error).__name__}: {error}")
        else:
            self._remember_success(effect, memory)
            if self.on_done is not None:
                self.on_done(effect)
        finally:
            if memory.effect is effect:
                memory.task = memory.effect = None
                memory.is_unseen = True
                self._unseen.append(memory)
            self.nudge()

    async def _perform_in_turn(self, effect: Effect) -> None:
        turn = self._preparing if isinstance(effect, Prepare) else self._starting if isinstance(effect, Start) else None
        if turn is None:
            await self.perform(effect)
            return
        self._queued += 1
        try:
            await turn.acquire()
        finally:
            self._queued -= 1
        try:
            await self.perform(effect)
        finally:
            turn.release()

    def _remember_success(self, effect: Effect, memory: _Memory) -> None:
        self._done += 1
        memory.failure, memory.failures, memory.retry_at_ns = None, 0, 0
        match effect:
            case Prepare():
                memory.prepared = True
            case SaveGenerated():
                memory.saved = True
            case Remove():
                memory.removed = True
            case Start() | AssignPorts() | SendGo() | PushConfig() | Kill() | Stop():
                pass

    def _remember_failure(self, effect: Effect, memory: _Memory, message: str) -> None:
        self._failed += 1
        memory.failures += 1
        wait_ns = min(EFFECT_RETRY_FIRST_NS << min(memory.failures - 1, 32), EFFECT_RETRY_MAX_NS)
        memory.retry_at_ns = self.clock.now_ns() + wait_ns
        match effect:
            case Prepare(incarnation=incarnation):
                memory.failure = Failure(action="prepare", incarnation=incarnation, message=message)
            case Start(incarnation=incarnation):
                memory.failure = Failure(action="start", incarnation=incarnation, message=message)
            case _:
                memory.failure = Failure(action="other", incarnation=0, message=message)
        _log.warning("%s: %s", effect, message)
