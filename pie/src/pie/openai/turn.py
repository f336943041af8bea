"""One answer as events: a completion's pieces, with reasoning and tool calls taken apart if there can be any."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pie.host.served import ServedModel
from pie.openai.answer import THINK, THINK_END, AnswerParser, CallBegun, Event, Text
from pie.openai.completion import Completion, Drawn
from pie.openai.tools import ToolUse

TurnFinish = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Step:
    """What has come since the last one."""

    events: Sequence[Event]
    drawn: Sequence[Drawn]
    finish: TurnFinish | None


class Turn:
    def __init__(self, completion: Completion, use: ToolUse, *, bound: bool = False) -> None:
        """`bound`: a grammar holds the answer from its first token on, so it has no reasoning in front."""
        self.completion = completion
        self._parallel = use.parallel
        self._parser = parser(completion.model, use, may_reason=not bound)
        self._called = False

    async def next(self) -> Step:
        """Waits for something. Raises the `PieError` that ended the answer."""
        piece = await self.completion.next()
        if self._parser is None:
            return Step((Text(piece.text),) if piece.text else (), piece.drawn, piece.finish)
        events = self._parser.feed(piece.text)
        finish: TurnFinish | None = piece.finish
        if finish is None and self._parser.calls and not self._parallel:
            self.completion.stop()
            finish = "stop"
        if finish is not None:
            events += self._parser.flush()
        if not self._parallel:
            events = _up_to_second_call(events, self._called)
        self._called = self._called or any(isinstance(event, CallBegun) for event in events)
        return Step(events, piece.drawn, "tool_calls" if self._called and finish == "stop" else finish)

    async def rest(self) -> Step:
        """All of it, as one step."""
        self.completion.read_freely()
        events: list[Event] = []
        drawn: list[Drawn] = []
        while True:
            step = await self.next()
            events += step.events
            drawn += step.drawn
            if step.finish is not None:
                return Step(events, drawn, step.finish)


def parser(model: ServedModel, use: ToolUse, *, may_reason: bool) -> AnswerParser | None:
    """What takes this model's answers apart; None if they can hold text only."""
    pieces = model.loaded.chat.pieces
    reasons = may_reason and pieces.reasoning_end == THINK_END
    if not (use.shown or reasons):
        return None
    return AnswerParser(
        with_calls=bool(use.shown), with_reasoning=reasons, in_reasoning=reasons and pieces.cue.rstrip().endswith(THINK)
    )


def _up_to_second_call(events: Sequence[Event], called: bool) -> list[Event]:
    """A model that writes a second call before it is stopped has written it in vain."""
    kept: list[Event] = []
    for event in events:
        if isinstance(event, CallBegun):
            if called:
                break
            called = True
        kept.append(event)
    return kept
