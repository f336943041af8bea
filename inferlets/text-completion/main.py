"""Answers a prompt. The answer is sent piece by piece while the model generates it, and returned as a whole."""

from inferlet import Context, Model, Sampler, runtime, session


async def main(input):
    model = Model.load(runtime.models()[0])
    sampler = Sampler.top_p(input.get("temperature", 0.0), input.get("top_p", 0.95))

    context = Context(model)
    context.system(input.get("system", "You are a helpful assistant."))
    context.user(input.get("prompt", "What is the capital of France?"))

    answer = ""
    async for text in context.generate(sampler, max_tokens=input.get("max_tokens", 256)).texts():
        session.send(text)
        answer += text
    return answer
