"""A session: receives a message, answers it piece by piece, and waits for the next. The conversation stays in the KV cache."""

from inferlet import Context, Model, Sampler, runtime, session


async def main(input):
    sampler = Sampler.top_p(input.get("temperature", 0.0), 0.95)
    conversation = Context(Model.load(runtime.models()[0]))
    conversation.system(input.get("system", "You are a helpful assistant."))

    turns = 0
    while (message := await next_message()) not in (None, input.get("stop", "bye")):
        conversation.user(message)
        async for text in conversation.generate(sampler, max_tokens=input.get("max_tokens", 128)).texts():
            session.send(text)
        session.send("\n")  # the end of the answer
        conversation.seal()
        turns += 1
    return {"turns": turns, "tokens": conversation.seq_len}


async def next_message():
    """None once the client is gone."""
    try:
        return await session.receive()
    except EOFError:
        return None
