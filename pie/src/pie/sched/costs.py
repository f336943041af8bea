"""What the driver's time goes to, learned from the batches it has done: seconds per step, seconds per prefilled token."""

_WEIGHT = 0.25
"""Of the newest observation: follows a changed batch size within a few batches, and is not thrown off by one slow batch."""


class Costs:
    def __init__(self) -> None:
        self.step_s = 0.0
        """One token for each running sequence."""
        self.token_s = 0.0
        """One token of prefill."""

    def observe(self, *, elapsed_s: float, steps: int, prefilled: int) -> None:
        """A batch of `steps` steps whose first also took `prefilled` tokens of prefill."""
        if prefilled:
            self.token_s = _blend(self.token_s, max(elapsed_s - steps * self.step_s, 0.1 * elapsed_s) / prefilled)
        elif steps:
            self.step_s = _blend(self.step_s, elapsed_s / steps)

    def steps_within(self, seconds: float, steps_max: int) -> int:
        return steps_max if seconds >= steps_max * self.step_s else max(1, int(seconds / self.step_s))

    def tokens_within(self, seconds: float, tokens_max: int) -> int:
        return tokens_max if seconds >= tokens_max * self.token_s else max(1, int(seconds / self.token_s))


def _blend(old: float, new: float) -> float:
    return new if old == 0.0 else old + _WEIGHT * (new - old)
