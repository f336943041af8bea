from dataclasses import dataclass

from scripted_engine import CONTEXT_MAX, PAGE_SIZE, Resource, engine

from wit_world.imports import model
from wit_world.imports._calls import enter, refuse


@dataclass
class ContextUsage:
    length: int
    page_size: int
    committed_pages: int
    working_pages: int


class Context(Resource):
    def __init__(self, model: model.Model) -> None:
        super().__init__()
        enter("context")
        self.tokens: list[int] = []
        self.busy = False
        self.released = False

    @classmethod
    def _holding(cls, tokens: list[int]) -> "Context":
        context = cls.__new__(cls)
        Resource.__init__(context)
        context.tokens, context.busy, context.released = list(tokens), False, False
        return context

    @classmethod
    def open(cls, model: model.Model, name: str) -> "Context":
        saved = enter("open").saved
        if name not in saved:
            raise refuse("context-not-found", f"no context is saved as '{name}'")
        return cls._holding(saved[name])

    @classmethod
    def take(cls, model: model.Model, name: str) -> "Context":
        saved = enter("take").saved
        if name not in saved:
            raise refuse("context-not-found", f"no context is saved as '{name}'")
        return cls._holding(saved.pop(name))

    @classmethod
    def delete(cls, model: model.Model, name: str) -> None:
        if enter("delete").saved.pop(name, None) is None:
            raise refuse("context-not-found", f"no context is saved as '{name}'")

    def fork(self) -> "Context":
        enter("fork")
        self.check_free()
        return Context._holding(self.tokens)

    def save(self, name: str) -> None:
        saved = enter("save").saved
        self.check_free()
        if name in saved:
            raise refuse("name-taken", f"a context is saved as '{name}' already")
        saved[name] = list(self.tokens)

    def snapshot(self) -> str:
        saved = enter("snapshot").saved
        self.check_free()
        name = f"snapshot-{len(saved)}"
        saved[name] = list(self.tokens)
        return name

    def release(self) -> None:
        enter("release")
        self.released = True

    def usage(self) -> ContextUsage:
        enter("usage")
        length = len(self.tokens)
        return ContextUsage(length, PAGE_SIZE, length // PAGE_SIZE, 1 if length % PAGE_SIZE else 0)

    def truncate(self, length: int) -> None:
        enter("truncate")
        self.check_free()
        if not 0 <= length <= len(self.tokens):
            raise refuse("length-out-of-range", f"{length} of {len(self.tokens)}")
        del self.tokens[length:]

    def check_free(self) -> None:
        if self.released:
            raise refuse("context-released", "the context was released")
        if self.busy:
            raise refuse("context-busy", "a generation is running")

    def extend(self, tokens: list[int]) -> None:
        """Computes tokens."""
        if len(self.tokens) + len(tokens) > CONTEXT_MAX:
            raise refuse("context-limit", f"more than {CONTEXT_MAX} tokens")
        engine().computed += len(tokens)
        self.tokens += tokens
