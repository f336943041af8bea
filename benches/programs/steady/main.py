"""A process that lives for a while: generates, sends numbered messages, waits for a text, and does that again. Returns its name."""

from inferlet import Context, Model, Sampler, runtime, session


async def main(input):
    context = Context(Model.load(runtime.models()[0]))
    context.append(input["prompt"])
    for number in range(input["rounds"]):
        await context.generate(Sampler.argmax(), max_tokens=input["tokens"], stop=[], auto_flush=False).collect_tokens()
        session.send(f"{input['name']} {number}")
        if await session.receive() != str(number):
            raise ValueError("a text was lost or came in another order")
    return input["name"]
