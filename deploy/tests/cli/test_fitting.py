from pie_deploy.cli.fitting import fitted


def test_where_there_is_room_everything_is_whole() -> None:
    assert fitted([10, 30, 5], 49, least=[0], texts={1}) == {0: 10, 1: 30, 2: 5}


def test_a_text_is_cut_before_a_column_goes() -> None:
    assert fitted([10, 30, 5], 45, least=[0], texts={1}) == {0: 10, 1: 26, 2: 5}


def test_what_says_least_goes_first() -> None:
    assert fitted([10, 10, 10], 22, least=[1, 0], texts=()) == {0: 10, 2: 10}
    assert fitted([10, 10, 10], 21, least=[1, 0], texts=()) == {2: 10}


def test_what_may_not_go_stays_whole() -> None:
    assert fitted([100], 10, least=[], texts=()) == {0: 100}
