"""Continues a text: no roles, no template, just the next tokens."""

from inferlet import Context, Model, Sampler, chat, runtime, session


async def main(input):
    model = Model.load(runtime.models()[0])
    sampler = Sampler.top_p(input.get("temperature", 0.0), input.get("top_p", 0.95))
    prompt = model.tokenizer().encode(input.get("prompt", "The capital of France is"))

    context = Context(model).append(prompt)
    generator = context.generate(sampler, max_tokens=input.get("max_tokens", 32), stop=chat.stop_tokens(model), auto_flush=False)

    continuation = ""
    async for text in generator.texts():
        session.send(text)
        continuation += text
    return continuation
