"""Generates as a whole, once the client says so; says when it is ready. Returns the number of tokens."""

from inferlet import Context, Model, Sampler, runtime, session


async def main(input):
    context = Context(Model.load(runtime.models()[0]))
    context.append(input["prompt"])
    session.send("ready")
    await session.receive()
    tokens = await context.generate(Sampler.argmax(), max_tokens=input["max_tokens"], stop=[], auto_flush=False).collect_tokens()
    return str(len(tokens))
