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


class OutgoingFile(Resource):
    def __init__(self, name: str) -> None:
        super().__init__()
        enter("outgoing-file.new")
        self.content = b""
        self.called = name

    def write(self, piece: bytes) -> None:
        enter("outgoing-file.write")
        assert type(piece) is bytes
        assert len(piece) <= 256 << 10
        self.content += piece

    def send(self) -> None:
        enter("outgoing-file.send").sent_files.append((self.called, self.content))


class IncomingFile(Resource):
    def __init__(self, called: str, content: bytes) -> None:
        super().__init__()
        self.called = called
        self.content = content

    def name(self) -> str:
        enter("incoming-file.name")
        return self.called

    def size(self) -> int:
        enter("incoming-file.size")
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        enter("incoming-file.read")
        return self.content[offset : offset + min(length, 256 << 10)]


class FutureFile(Resource):
    def __init__(self, at: int | None, called: str, content: bytes | None) -> None:
        super().__init__()
        self.at = at
        self.called = called
        self.content = content

    def subscribe(self) -> Pollable:
        enter("future-file.subscribe")
        return Pollable(Timed(lambda: self.at))

    def get(self) -> Some | None:
        if self.at is None or self.at > enter("future-file.get").now_ns:
            return None
        return Some(None if self.content is None else IncomingFile(self.called, self.content))


def receive_file() -> FutureFile:
    engine = enter("receive-file")
    return FutureFile(*engine.incoming_files.pop(0)) if engine.incoming_files else FutureFile(None, "", None)


def send(text: str) -> None:
    assert type(text) is str
    enter("send").sent.append(text)


def receive() -> FutureText:
    engine = enter("receive")
    return FutureText(*engine.incoming.pop(0)) if engine.incoming else FutureText(None, None)
