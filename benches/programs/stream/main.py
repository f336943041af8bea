"""Generates once the client says so and sends every token as a message of its own: its number. Returns how many there were."""

from inferlet import Context, Model, Sampler, runtime, session


async def main(input):
    context = Context(Model.load(runtime.models()[0]))
    context.append(input["prompt"])
    session.send("ready")
    await session.receive()
    count = 0
    async for step in context.generate(Sampler.argmax(), max_tokens=input["max_tokens"], stop=[]):
        for _ in (await step.execute()).tokens:
            session.send(str(count))
            count += 1
    return str(count)
