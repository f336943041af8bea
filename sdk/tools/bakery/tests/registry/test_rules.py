from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bakery.errors import ConflictError, ForbiddenError, InvalidRequestError
from bakery.limits import DETAILS_CHARACTERS_MAX, README_CHARACTERS_MAX, VERSIONS_MAX
from bakery.registry import rules
from bakery.registry.messages import CommitRequest
from bakery.registry.names import ProgramName
from bakery.registry.records import Details, Ownership, Statement, Submission, User, Version

ALICE, BOB, ROOT = User(1, "alice", False), User(2, "bob", False), User(3, "root", True)
CHECKSUM = "ab" * 32
REQUEST = CommitRequest("toast", "1.0.0", CHECKSUM, 100)
MANIFEST = '[package]\nname = "toast"\nversion = "1.0.0"\ndescription = "Toasts."\nreadme = "Eat me."\n'


def wanted(name: str = "toast", version: str = "1.0.0") -> Submission:
    return Submission(ProgramName.parse(name), version, CHECKSUM, 100)


def version(num: str, *, yanked: bool = False) -> Version:
    return Version(num, CHECKSUM, 100, yanked, 0.0, "alice", "", Details({}, {}, {}))


def changed(**fields: Any) -> CommitRequest:
    return msgspec.structs.replace(REQUEST, **fields)


def statement(**fields: Any) -> Statement:
    return rules.statement(changed(**fields), wanted())


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "../toast"},
        {"version": "1.0"},
        {"checksum": "xyz"},
        {"checksum": "zz" * 32},
        {"checksum": CHECKSUM + "\n"},
        {"size_bytes": 0},
        {"size_bytes": -1},
        {"size_bytes": 10**12},
    ],
)
def test_an_announcement_with_a_wrong_field_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match=next(iter(fields))):
        rules.submission(changed(**fields))


def test_a_checksum_may_be_in_upper_case() -> None:
    assert rules.submission(changed(checksum=CHECKSUM.upper())) == wanted()


def test_a_new_name_is_for_whoever_comes_first() -> None:
    rules.check_may_publish(ALICE, wanted(), None, ())


def test_the_owner_may_publish_another_version() -> None:
    rules.check_may_publish(ALICE, wanted(version="1.0.1"), Ownership("toast", "alice"), ["1.0.0"])


def test_the_owner_may_not_publish_a_version_again() -> None:
    with pytest.raises(ConflictError, match="never change"):
        rules.check_may_publish(ALICE, wanted(), Ownership("toast", "alice"), ["1.0.0"])


@pytest.mark.parametrize("user", [BOB, ROOT])
def test_nobody_else_may_publish_under_a_name(user: User) -> None:
    with pytest.raises(ForbiddenError, match="belongs to alice"):
        rules.check_may_publish(user, wanted(version="2.0.0"), Ownership("toast", "alice"), ["1.0.0"])


@pytest.mark.parametrize("user", [BOB, ROOT])
def test_a_scope_is_its_users_even_before_he_publishes(user: User) -> None:
    with pytest.raises(ForbiddenError, match="belongs to alice"):
        rules.check_may_publish(user, wanted("alice/toast"), None, ())


def test_a_name_that_looks_like_another_is_refused_even_to_its_owner() -> None:
    with pytest.raises(ConflictError, match="looks like `Toast`"):
        rules.check_may_publish(ALICE, wanted(), Ownership("Toast", "alice"), ["1.0.0"])


def test_versions_of_one_program_are_bounded() -> None:
    with pytest.raises(ConflictError, match=str(VERSIONS_MAX)):
        rules.check_may_publish(ALICE, wanted(), Ownership("toast", "alice"), [f"0.0.{patch}" for patch in range(VERSIONS_MAX)])


def test_owner_and_administrator_may_yank_and_nobody_else() -> None:
    rules.check_may_yank(ALICE, "toast", "alice")
    rules.check_may_yank(ROOT, "toast", "alice")
    with pytest.raises(ForbiddenError):
        rules.check_may_yank(BOB, "toast", "alice")


def test_a_manifest_says_everything_and_is_kept_as_it_is() -> None:
    assert statement(manifest=MANIFEST, description="Lies.") == Statement(MANIFEST, "Toasts.", "Eat me.", Details({}, {}, {}))


def test_a_readme_sent_beside_the_manifest_counts_more() -> None:
    assert statement(manifest=MANIFEST, readme="# Toast").readme == "# Toast"


def test_without_a_manifest_one_is_made_of_the_fields() -> None:
    made = statement(description="Toasts.", runtime={"core": "^0.2.0"}, authors=("Ann",))
    assert made.manifest.startswith('[package]\nname = "toast"\nversion = "1.0.0"\n')
    assert (made.description, made.details.runtime, made.details.authors) == ("Toasts.", {"core": "^0.2.0"}, ("Ann",))


def test_a_scoped_programs_manifest_has_the_bare_name() -> None:
    request = changed(name="alice/toast", manifest=MANIFEST)
    assert rules.statement(request, wanted("alice/toast")).manifest == MANIFEST


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"manifest": MANIFEST.replace("toast", "bread")}, "its name is bread"),
        ({"manifest": MANIFEST.replace("1.0.0", "1.0.1")}, "its version is 1.0.1"),
        ({"manifest": "[package"}, "not valid TOML"),
        ({"manifest": MANIFEST + "[parameters]\nx = { type = 'date' }\n"}, "parameters.x"),
        ({"manifest": "#" * (1 << 20)}, "longer than"),
        ({"manifest": MANIFEST + '[runtime]\n"x" = "\\u0000"\n'}, "control characters"),
        ({"manifest": MANIFEST.replace("Toasts", "\\u001b[2J")}, "control characters"),
        ({"readme": "\x1b[2J"}, "control characters"),
        ({"readme": "x" * (README_CHARACTERS_MAX + 1)}, "longer than"),
        ({"description": "x" * 1001}, "longer than"),
        ({"description": "\u202etsaot"}, "control characters"),
        ({"authors": ("x" * DETAILS_CHARACTERS_MAX,)}, "characters in all"),
        ({"dependencies": {"../x": "1.0.0"}}, "dependencies"),
        ({"dependencies": {"x": "latest"}}, "dependencies"),
    ],
)
def test_what_a_version_says_of_itself_is_checked(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem):
        statement(**fields)


def test_versions_are_listed_newest_first_and_yanked_ones_last() -> None:
    order = rules.listed([version("1.2.0"), version("1.10.0"), version("2.0.0", yanked=True), version("0.9.0")])
    assert [each.num for each in order] == ["1.10.0", "1.2.0", "0.9.0", "2.0.0"]


def test_a_bare_name_means_the_newest_that_is_not_yanked() -> None:
    versions = [version("1.2.0"), version("1.10.0"), version("2.0.0", yanked=True)]
    newest = rules.latest(versions)
    assert newest is not None
    assert newest.num == "1.10.0"
    assert rules.latest([replace(each, yanked=True) for each in versions]) is None
