from dataclasses import dataclass

from scripted_engine import BEGIN, CONTEXT_MAX, PAGE_SIZE, STOP, VOCABULARY_SIZE, Resource, text_of

from wit_world.imports._calls import enter, refuse


@dataclass
class ModelInfo:
    name: str
    page_size: int
    context_max: int
    vocabulary_size: int
    stop_tokens: list[int]
    speculates: bool


class Tokenizer(Resource):
    def encode(self, text: str) -> list[int]:
        enter("encode")
        return list(text.encode())

    def decode(self, tokens: list[int]) -> str:
        enter("decode")
        if any(token >= VOCABULARY_SIZE for token in tokens):
            raise refuse("token-out-of-range", "no such token")
        return text_of(tokens)

    def vocabulary(self) -> tuple[list[int], list[bytes]]:
        enter("vocabulary")
        return list(range(256)), [bytes([byte]) for byte in range(256)]

    def special_tokens(self) -> tuple[list[int], list[bytes]]:
        enter("special-tokens")
        return [STOP, BEGIN], [b"<stop>", b"<begin>"]

    def split_pattern(self) -> str:
        enter("split-pattern")
        return ""


class Model(Resource):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @classmethod
    def load(cls, name: str) -> "Model":
        if name not in enter("load").models:
            raise refuse("model-not-found", f"there is no model '{name}'")
        return cls(name)

    def info(self) -> ModelInfo:
        enter("info")
        return ModelInfo(self.name, PAGE_SIZE, CONTEXT_MAX, VOCABULARY_SIZE, [STOP], False)

    def tokenizer(self) -> Tokenizer:
        enter("tokenizer")
        return Tokenizer()
