"""The next step of a program's own token loop, computed before the program asks for it.

A program that decodes by itself hands in the token it was given, with the same sampler, again and again. While it works its way to
the next pass the driver has nothing to do. So after the second such pass the scheduler makes the third itself (a pass that nobody
has claimed yet) and hands it out at once:

    asked       driver [ 1 ]           [ 2 ]           [ 3 ]        cycle = D + G
                program     [ think ]       [ think ]
    ahead       driver [ 1 ]           [ 2 ][ 3 ]      [ 4 ]        cycle = max(D, G)
                program     [ think ]       [ think ][ think ]

When the program asks for exactly that pass, it gets it, finished or not. Whatever else it does with the context, the pass is
cancelled, or the context cut back to before it: nobody has seen it, and it leaves no trace. There is at most one per context.
"""

from typing import TYPE_CHECKING

from pie.driver.messages import Sample

if TYPE_CHECKING:
    from pie.sched.pass_work import PassWork
    from pie.sched.work import Pass


def follows(last: "PassWork | None", work: "PassWork") -> bool:
    """Whether a pass feeds back the one token that the last one drew, and draws the next in the same way."""
    return (
        last is not None
        and len(work.inputs) == 1
        and _only_draws(work)
        and last.readings[0] == work.inputs[0]
        and _sampling(last) == _sampling(work)
    )


def remembered(work: "PassWork") -> "PassWork | None":
    """The pass, if another may follow in this sense."""
    return work if _only_draws(work) else None


def fits(ahead: "PassWork", given: "Pass") -> bool:
    """Whether this is the pass that was made ahead."""
    return (
        given.commit
        and len(given.tokens) == 1
        and int(given.tokens[0]) == ahead.inputs[0]
        and given.slots == ahead.slots
        and not (len(given.logit_mask) or len(given.attention_mask))
        and (not len(given.positions) or [int(position) for position in given.positions] == [ahead.start])
    )


def _only_draws(work: "PassWork") -> bool:
    return work.commit and not work.custom and not work.logit_mask and len(work.slots) == 1 and type(work.slots[0]) is Sample


def _sampling(work: "PassWork") -> object:
    slot = work.slots[0]
    return slot.sampling if isinstance(slot, Sample) else None
