"""A strict call is held to its grammar; what stands around it is not."""

from dataclasses import dataclass, field

from pie.openai.constraints import CallConstraint, is_bound
from pie.openai.requests import Function, ResponseFormat
from pie.openai.tools import ToolUse

MARKER = 7


@dataclass
class FakeMatcher:
    """Over after two tokens."""

    accepted: list[int] = field(default_factory=list)

    def mask(self) -> bytes:
        return b"only"

    def accept(self, token: int) -> None:
        self.accepted.append(token)

    def finished(self) -> bool:
        return len(self.accepted) == 2


@dataclass
class FakeGrammar:
    made: list[FakeMatcher] = field(default_factory=list)

    def matcher(self) -> FakeMatcher:
        self.made.append(FakeMatcher())
        return self.made[-1]


def test_only_what_follows_the_marker_is_held() -> None:
    grammar = FakeGrammar()
    constraint = CallConstraint(MARKER, grammar)
    masks = []
    for token in (1, MARKER, 2, MARKER, 3, MARKER, 4):
        constraint.accept(token)
        masks.append(constraint.mask())
    assert masks == [b"", b"only", b"only", b"", b"", b"only", b"only"]
    assert [matcher.accepted for matcher in grammar.made] == [[2, MARKER], [4]]
    assert not constraint.finished()


def test_an_answer_in_a_format_is_bound_and_a_text_is_not() -> None:
    function = Function("f")
    assert is_bound(ToolUse((function,), (function,), must_call=True), None)
    assert is_bound(ToolUse(), ResponseFormat("json_object"))
    assert not is_bound(ToolUse((function,), (function,)), ResponseFormat("text"))
