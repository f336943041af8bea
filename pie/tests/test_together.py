import asyncio

import pytest

from pie.together import both, together


async def gives(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def fails(error: Exception) -> int:
    await asyncio.sleep(0)
    raise error


async def test_all_results_in_their_order() -> None:
    assert await together([gives(1), gives(2), gives(3)]) == [1, 2, 3]
    assert await together([gives(1)]) == [1]


@pytest.mark.parametrize("others", [0, 2])
async def test_an_error_comes_as_it_is(others: int) -> None:
    error = KeyError("this very one")
    with pytest.raises(KeyError) as raised:
        await together([fails(error), *(gives(1) for _ in range(others))])
    assert raised.value is error


async def test_the_first_error_ends_the_others() -> None:
    ended = asyncio.Event()

    async def waits() -> int:
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    with pytest.raises(ValueError, match="first"):
        await both(waits(), fails(ValueError("first")))
    assert ended.is_set()
