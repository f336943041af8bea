from itertools import islice
from random import Random

from training.corpus import documents, statements, with_tools
from training.stories import ANIMALS, request, story
from training.tools import TOOLS


def test_equal_seeds_give_equal_documents() -> None:
    first, second = (list(islice(documents(Random(5)), 50)) for _ in range(2))
    assert first == second


def test_answers_count_more_than_prompts() -> None:
    for document in islice(documents(Random(6)), 200):
        for segment in document:
            assert (segment.weight < 1) or not segment.text.startswith("<|im_start|>")


def test_statements_leave_out_what_is_no_sentence() -> None:
    random = Random(7)
    texts = [segment.text for _ in range(200) for segment in statements(random)]
    assert not any("c-a-t" in text for text in texts)


def test_tools_stand_one_per_line_in_the_system_turn() -> None:
    prompt = with_tools("Be brief.", list(TOOLS[:2]))
    assert prompt.startswith("Be brief.\n\n")
    assert prompt.count('\n{"type": "function"') == 2


def test_a_story_is_long_enough_to_stream() -> None:
    assert all(len(story(Random(seed)).split()) >= 150 for seed in range(20))


def test_a_story_is_about_whom_was_asked_for() -> None:
    for seed in range(20):
        asked, told = request(Random(seed))
        wanted = [animal for animal in ANIMALS if f" {animal}." in asked]
        assert all(f"the {animal} and" in told for animal in wanted)
