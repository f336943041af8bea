from componentize_py_types import Some
from scripted_engine import Resource, Timed

from wit_world.imports._calls import enter
from wit_world.imports.poll import Pollable


class FutureText(Resource):
    def __init__(self, at: int | None, text: str | None) -> None:
        super().__init__()
        self.at = at
        self.text = text

    def subscribe(self) -> Pollable:
        enter("future-text.subscribe")
        return Pollable(Timed(lambda: self.at))

    def get(self) -> Some | None:
        engine = enter("future-text.get")
        return Some(self.text) if self.at is not None and self.at <= engine.now_ns else None


def send(text: str) -> None:
    assert type(text) is str
    enter("send").sent.append(text)


def receive() -> FutureText:
    engine = enter("receive")
    return FutureText(*engine.incoming.pop(0)) if engine.incoming else FutureText(None, None)
