"""Saves contexts, takes them up again, generates. All on the first model, with tokens as they are."""

from inferlet import Context, Model, Sampler, runtime, session

PROMPT = list(range(10, 110))
NAME = "kept"


async def main(input):
    return await globals()[input["do"]](Model.load(runtime.models()[0]))


async def save(model):
    """A context of the prompt and some tokens more."""
    context = Context(model).append(PROMPT)
    tokens = await drawn(context, 20)
    context.save(NAME)
    return tokens


async def go_on(model):
    """What follows the saved context and one token more."""
    return await drawn(Context.open(model, NAME).append(PROMPT[:1]), 20)


async def hold_on(model):
    """Says when the first tokens are there, and goes on for long."""
    context = Context(model).append(PROMPT)
    await drawn(context, 2)
    session.send("generating")
    return await drawn(context, 1500)


async def hold_on_step_by_step(model):
    """The same with forward passes of its own."""
    context = Context(model).append(PROMPT)
    await context.flush()
    session.send("generating")
    token = PROMPT[-1]
    for _ in range(1500):
        forward = context.forward().input([token])
        handle = forward.sample([0], Sampler.argmax())
        token = (await forward.execute()).token(handle)
    return token


async def sampled(model, seed=7):
    """A story, drawn by chance."""
    context = Context(model).append_text("Once upon a time")
    sampler = Sampler.top_p(1.2, 0.95, seed=seed)
    return await context.generate(sampler, max_tokens=40, stop=[], auto_flush=False).collect_text()


async def sampled_afresh(model):
    return await sampled(model, seed=0)


async def drawn(context, count):
    return await context.generate(Sampler.argmax(), max_tokens=count, stop=[], auto_flush=False).collect_tokens()
