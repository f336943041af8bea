"""What somebody may have meant by a name that is not there, and which names there are: the `hint` of errors about unknown names."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from heapq import nlargest
from itertools import islice, takewhile

from pie_deploy.limits import SUGGESTION_CANDIDATES_MAX, SUGGESTION_CHARACTERS_MAX, SUGGESTION_NAMES_MAX, SUGGESTION_NAMES_SHOWN

_LENGTHS_APART = 3
"""A name that is so much longer or shorter is no slip of the pen."""
_CLOSE = 0.6
"""`difflib`'s measure: half of the letters and more in the same order."""


def hint(ref: str, names: Iterable[str]) -> str:
    """`did you mean count? there are count, report, tokenise`. Of very many names the first are shown, and those that begin
    alike are compared.

    names: those that whoever asks may see, in the order in which they are to be shown.
    """
    there = list(dict.fromkeys(islice(names, SUGGESTION_NAMES_MAX)))
    near = nearest(ref, there)
    meant = f"did you mean {_short(near)}? " if near is not None else ""
    return meant + there_are(there)


def nearest(ref: str, names: Sequence[str]) -> str | None:
    """The name that looks most like `ref`; None: none does."""
    wanted = ref[:SUGGESTION_CHARACTERS_MAX].casefold()
    alike = {name.casefold(): name for name in names if abs(len(name) - len(wanted)) <= _LENGTHS_APART}
    candidates = nlargest(SUGGESTION_CANDIDATES_MAX, alike, key=lambda name: _in_common(wanted, name))
    found = get_close_matches(wanted, candidates, n=1, cutoff=_CLOSE)
    if found:
        return alike[found[0]]
    return next((name for name in names if wanted and name.casefold().startswith(wanted)), None)


def _in_common(left: str, right: str) -> int:
    """How many characters they begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def there_are(names: Sequence[str]) -> str:
    """`there are count, report and 12 more`."""
    if not names:
        return "there are none"
    if len(names) == 1:
        return f"there is {_short(names[0])}"
    shown = ", ".join(map(_short, names[:SUGGESTION_NAMES_SHOWN]))
    more = len(names) - SUGGESTION_NAMES_SHOWN
    return f"there are {shown}" + (f" and {more} more" if more > 0 else "")


def _short(name: str) -> str:
    return name if len(name) <= SUGGESTION_CHARACTERS_MAX else f"{name[:SUGGESTION_CHARACTERS_MAX]}…"
