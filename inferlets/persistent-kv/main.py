"""A conversation that is put away after its first turn and taken up for the second, perhaps by another run of this program."""

from contextlib import suppress

from inferlet import Context, ContextNotFoundError, Model, Sampler, runtime


async def main(input):
    model = Model.load(runtime.models()[0])
    mode = input.get("mode", "both")
    name = input.get("snapshot", "conversation")
    max_tokens = input.get("max_tokens", 64)
    if mode not in {"both", "save", "open"}:
        raise ValueError(f"mode must be both, save or open, not {mode}")

    turns = []
    if mode != "open":
        conversation = Context(model).system("You are a helpful assistant.")
        turns.append(await ask(conversation, input.get("turn1", "What is the capital of France?"), max_tokens))
        put_away(conversation, name)
    if mode != "save":
        conversation = Context.take(model, name)
        turns.append(await ask(conversation, input.get("turn2", "What is the capital of Italy?"), max_tokens))
    return turns


async def ask(conversation, question, max_tokens):
    """One turn: question and answer, and how much of it had been computed before."""
    known = conversation.seq_len
    generator = conversation.user(question).generate(Sampler.argmax(), max_tokens=max_tokens)
    new = len(conversation.buffer())
    answer = await generator.collect_text()
    await conversation.seal().flush()
    return {"question": question, "answer": answer, "tokens_reused": known, "tokens_new": new}


def put_away(conversation, name):
    """Saves the conversation in place of one of that name."""
    with suppress(ContextNotFoundError):
        Context.delete(conversation.model, name)
    conversation.save(name)
    conversation.release()
