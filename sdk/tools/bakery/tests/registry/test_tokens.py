import pytest

from bakery.registry.names import ProgramName
from bakery.registry.records import Submission
from bakery.registry.tokens import bearer, hash_of, is_signed, new_token, sign_upload, upload_id

KEY = bytes(32)
WANTED = Submission(ProgramName.parse("toast"), "1.0.0", "ab" * 32, 100)


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 50


def test_a_hash_tells_nothing_of_its_token() -> None:
    token = new_token()
    assert token[7:] not in hash_of(token)
    assert len(hash_of(token)) == 64


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("", None),
        ("Bearer " + "x" * 300, None),
    ],
)
def test_the_token_of_a_header(header: str, token: str | None) -> None:
    assert bearer(header) == token


def test_a_signature_holds_for_one_artifact_of_one_version_until_one_time() -> None:
    upload = upload_id(1, WANTED)
    signature = sign_upload(KEY, upload, WANTED, 1000)
    others = [
        Submission(ProgramName.parse("bread"), "1.0.0", "ab" * 32, 100),
        Submission(WANTED.name, "1.0.1", "ab" * 32, 100),
        Submission(WANTED.name, "1.0.0", "cd" * 32, 100),
        Submission(WANTED.name, "1.0.0", "ab" * 32, 101),
    ]
    assert is_signed(KEY, upload, WANTED, 1000, signature)
    assert not is_signed(KEY, upload, WANTED, 1001, signature)
    assert not is_signed(bytes(31) + b"x", upload, WANTED, 1000, signature)
    assert not is_signed(KEY, upload, WANTED, 1000, "é")
    assert not any(is_signed(KEY, upload, other, 1000, signature) for other in others)
    assert len({upload, upload_id(2, WANTED), *(upload_id(1, other) for other in others)}) == 6
