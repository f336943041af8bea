"""Three BentoML services, one process each, as its documentation composes them."""

import bentoml


@bentoml.service(workers=1)
class Third:
    @bentoml.api
    async def plus(self, x: int) -> int:
        return x + 1


@bentoml.service(workers=1)
class Second:
    third = bentoml.depends(Third)

    @bentoml.api
    async def plus(self, x: int) -> int:
        return await self.third.to_async.plus(x=x + 1)


@bentoml.service(workers=1)
class First:
    second = bentoml.depends(Second)

    @bentoml.api
    async def plus(self, x: int) -> int:
        return await self.second.to_async.plus(x=x + 1)
