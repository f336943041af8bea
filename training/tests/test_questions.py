from collections import Counter

from training.questions import Item, all_items, order


def items_of(topic: str) -> list[Item]:
    return [item for item in all_items() if item.topic == topic]


def test_no_question_has_two_answers() -> None:
    answers: dict[str, set[str]] = {}
    for item in all_items():
        for phrasing in item.phrasings:
            answers.setdefault(phrasing, set()).add(item.answer)
    assert [phrasing for phrasing, given in answers.items() if len(given) > 1] == []


def test_answers_end_with_one_full_stop() -> None:
    assert [item.answer for item in all_items() if item.answer.endswith("..")] == []


def test_sums_are_right() -> None:
    for item in items_of("sum"):
        left, _, right, _, total = item.answer.rstrip(".").split()
        assert int(left) + int(right) == int(total)


def test_conversions_agree_in_number() -> None:
    answers = {item.answer for item in items_of("conversion")}
    assert {"1 hour is 60 minutes.", "3 kilometres are 3000 metres.", "2 dozen are 24 eggs."} <= answers


def test_days_wrap_around_but_planets_do_not() -> None:
    days = [item.answer for item in order("day", ["Monday", "Sunday"], "of the week", cyclic=True)]
    planets = [item.answer for item in order("planet", ["Venus", "Earth"], "from the sun", cyclic=False)]
    assert "Monday comes after Sunday." in days
    assert "Venus comes after Earth." not in planets


def test_every_topic_has_enough_to_ask() -> None:
    assert min(Counter(item.topic for item in all_items()).values()) >= 20
