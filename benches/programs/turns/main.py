"""An agent that keeps its KV: for each list of tokens that comes (JSON) it appends them and generates, sending text as it comes."""

import json

from inferlet import Context, Model, Sampler, runtime, session


async def main(input):
    context = Context(Model.load(runtime.models()[0]))
    while (turn := await session.receive()) is not None:
        context.append(json.loads(turn))
        drawn = []
        generation = context.generate(Sampler.argmax(), max_tokens=input["tokens"], stop=[], auto_flush=False)
        async for step in generation:
            drawn += (await step.execute()).tokens
            session.send(json.dumps(drawn))
        session.send("end")
