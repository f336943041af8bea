"""A process's token budget: how many tokens it may hand in and have drawn, on all its contexts together.

Tokens count when they are asked for, not when they have been computed: it makes no difference to a budget what else runs, what was
known already, or how many passes are on their way. A pass costs its tokens. A generation costs its prompt and what it draws; it
takes leave to draw from the budget little by little, somewhat ahead, and gives back what it did not need. So a budget is never
exceeded, and several generations at once end within `BUDGET_AHEAD_TOKENS` each of using it up.
"""

from pie.errors import PieError, TokenBudgetError
from pie.limits import BUDGET_AHEAD_TOKENS
from pie.processes.process import Process
from pie.sched.generation import Generation


class TokenBudget:
    __slots__ = ("_process", "_spent")

    def __init__(self, process: Process) -> None:
        self._process = process
        self._spent = 0

    @property
    def limited(self) -> bool:
        return self._process.token_budget is not None

    @property
    def left(self) -> int:
        """How many tokens may still be asked for. Of limited processes."""
        assert self._process.token_budget is not None
        return self._process.token_budget - self._spent

    def spend(self, count: int) -> None:
        """Raises `TokenBudgetError` if so many are not left."""
        if count > self.left:
            raise self.exhausted()
        self._spent += count

    def give_back(self, count: int) -> None:
        """So many were not needed."""
        self._spent -= count

    def exhausted(self) -> TokenBudgetError:
        return TokenBudgetError(f"the process has used up its budget of {self._process.token_budget} tokens")


class Spending:
    """What one generation takes of a budget. When nothing is left the loop ends, with an error."""

    def __init__(self, budget: TokenBudget, inputs: int, tokens_max: int) -> None:
        """Raises `TokenBudgetError` if the prompt and one token more are not left. `tokens_max` 0: no maximum."""
        budget.spend(inputs)
        self.error: PieError | None = None
        self.allowed = 0
        """Tokens that it may draw for the time being."""
        self._budget = budget
        self._inputs = inputs
        self._tokens_max = tokens_max
        self._ended = False
        self._extend(0)
        if not self.allowed:
            budget.give_back(inputs)
            raise budget.exhausted()

    def undo(self) -> None:
        """The generation was refused for another reason."""
        self._budget.give_back(self._inputs + self.allowed)

    def look_at(self, scheduled: Generation) -> None:
        """Asked after each batch: takes more, or ends the loop if there is none."""
        if not scheduled.done:
            self._extend(scheduled.produced)
            if scheduled.produced < self.allowed:
                return
            self.error = self._budget.exhausted()
            scheduled.cancel()
        self.end(scheduled)

    def end(self, scheduled: Generation) -> None:
        """The loop has ended."""
        if not self._ended:
            self._ended = True
            self._budget.give_back(self.allowed - scheduled.produced)

    def _extend(self, produced: int) -> None:
        wanted = produced + BUDGET_AHEAD_TOKENS
        if self._tokens_max:
            wanted = min(wanted, self._tokens_max)
        more = min(wanted - self.allowed, self._budget.left)
        if more > 0:
            self._budget.spend(more)
            self.allowed += more
