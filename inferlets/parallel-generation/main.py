"""Answers several questions at the same time. What they share is computed once and forked."""

import asyncio

from inferlet import Context, Model, Sampler, runtime


async def main(input):
    prompts = input.get("prompts", "What is the capital of France?|What is the capital of Italy?").split("|")
    max_tokens = input.get("max_tokens", 64)
    model = Model.load(runtime.models()[0])

    shared = Context(model).system(input.get("system", "You are a helpful assistant."))
    await shared.flush()

    async def answer(prompt):
        with shared.fork() as branch:
            return await branch.user(prompt).generate(Sampler.argmax(), max_tokens=max_tokens).collect_text()

    answers = await asyncio.gather(*(answer(prompt) for prompt in prompts))
    return dict(zip(prompts, answers, strict=True))
