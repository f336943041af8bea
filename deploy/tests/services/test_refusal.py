import pytest

from pie_deploy.errors import Detail, GraphIncompleteError, InvalidArgumentError
from pie_deploy.services.refusal import Reasons


def test_one_error_is_raised_as_it_is() -> None:
    reasons, error = Reasons(), InvalidArgumentError("no")
    with reasons.collecting():
        raise error
    with pytest.raises(InvalidArgumentError) as refusal:
        reasons.check()
    assert refusal.value is error


def test_of_several_the_first_reason_is_told_and_how_many_more_there_are() -> None:
    reasons = Reasons()
    with reasons.collecting():
        raise GraphIncompleteError("a (and 1 more)", [Detail(code="x", message="a"), Detail(code="x", message="b")])
    with reasons.collecting():
        raise InvalidArgumentError("c")
    with pytest.raises(GraphIncompleteError, match=r"^a \(and 2 more reasons\)$") as refusal:
        reasons.check()
    assert [one.message for one in refusal.value.details] == ["a", "b", "c"]
