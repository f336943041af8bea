"""A process's token budget: how many tokens may be computed for it.

What has been computed stands in `Process.tokens`, which the engine keeps. What has been asked for and is still to be computed is
*promised* here, so that a hundred passes handed in at once count a hundred times. A generation promises its prompt; what it draws
is cut to what is left when it starts, and it ends as soon as nothing is left. So a process with one generation at a time keeps its
budget to the token; several at a time exceed it by less than a burst each.
"""

from pie.errors import PieError, TokenBudgetError
from pie.processes.process import Process
from pie.sched.generation import Generation


class TokenBudget:
    __slots__ = ("_process", "_promised")

    def __init__(self, process: Process) -> None:
        self._process = process
        self._promised = 0

    @property
    def limited(self) -> bool:
        return self._process.token_budget is not None

    @property
    def left(self) -> int:
        """How many tokens may still be asked for. For limited processes."""
        assert self._process.token_budget is not None
        return self._process.token_budget - self._process.tokens - self._promised

    def promise(self, count: int) -> None:
        """So many tokens are going to be computed. Raises `TokenBudgetError` if they are too many."""
        if count > self.left:
            raise self.exhausted()
        self._promised += count

    def settle(self, count: int) -> None:
        """So many of the promised tokens have been computed, or will not be."""
        self._promised -= count

    def exhausted(self) -> TokenBudgetError:
        return TokenBudgetError(f"the process has used up its budget of {self._process.token_budget} tokens")


class Spending:
    """What a generation may take of its process's token budget. When that is used up the loop ends, with an error."""

    def __init__(self, budget: TokenBudget, inputs: int, tokens_max: int) -> None:
        """Raises `TokenBudgetError` if not even the prompt and one token are left."""
        budget.promise(inputs)
        self._budget = budget
        self._promised = inputs
        self._cut = not 0 < tokens_max <= budget.left
        self.tokens_max = budget.left if self._cut else tokens_max
        self.error: PieError | None = None
        if not self.tokens_max:
            self.end()
            raise budget.exhausted()

    def look_at(self, scheduled: Generation, *, stopped: bool) -> None:
        """Asked after each batch. `stopped`: its end has been found already."""
        self.end()
        if stopped or scheduled.finish == "stop" or scheduled.error is not None:
            return
        if scheduled.finish == "length":
            self.error = self._budget.exhausted() if self._cut and scheduled.produced >= self.tokens_max else None
        elif self._budget.left <= 0:
            self.error = self._budget.exhausted()
            scheduled.cancel()

    def end(self) -> None:
        """The prompt has been computed, and counts as that; or it never will be."""
        self._budget.settle(self._promised)
        self._promised = 0
