"""Several coroutines at once: all results, or the first error as it is.

`asyncio.TaskGroup` raises groups, which nobody here wants to tell apart. (`except*` is no way out: what is raised in it
comes out in a group again, with Python 3.11.2 for one.)
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")


async def together(coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all. The first error ends the others. One coroutine costs no task."""
    if len(coroutines) == 1:
        return [await coroutines[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in coroutines]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def both(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """The same for two of different kinds."""
    results: list[Any] = await together([first, second])
    return results[0], results[1]
