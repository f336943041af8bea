"""Generates token by token with forward passes of its own, once the client says so. Returns the number of tokens."""

from inferlet import Context, Model, Sampler, runtime, session


async def main(input):
    context = Context(Model.load(runtime.models()[0]))
    sampler = Sampler.argmax()
    session.send("ready")
    await session.receive()
    tokens, count = input["prompt"], 0
    while count < input["max_tokens"]:
        forward = context.forward()
        forward.input(tokens)
        drawn = forward.sample([len(tokens) - 1], sampler)
        output = await forward.execute()
        tokens = [output.token(drawn)]
        count += 1
    return str(count)
