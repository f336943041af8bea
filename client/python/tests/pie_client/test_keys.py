"""Private keys of every kind."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from pie_client import KeyRefusedError, ParsedPrivateKey
from pie_client.crypto import ParsedPrivateKey as FromCrypto

RSA = rsa.generate_private_key(65537, 2048)
PROTECTED = """\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDAI9neWg
thSQpWTpTisG4LAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIHP5cZq2akjPaYa8
8L8ExvFkxh/CXt5w5d1fNSMpYKjCAAAAkNAsSECN5rRv5mEQZLA098QAL25IOYFWBE+eTz
JXt7CYA9l1DT7MFYW67xk2/yRsVLjqipgBSZBhNZV9r/bl9gvGFBS3CWkGTmtMeSoARMW+
526dH52DpFZzbZhnIhAFeDnq+RMvnF0n4A7eEkaowptO63Hp+NXLpzpYgZJxI7mWoms6z+
HsCRR0axjHn0XSaw==
-----END OPENSSH PRIVATE KEY-----
"""
"""Made by ssh-keygen for this test; the passphrase is "secret"."""

FORMATS = [PrivateFormat.OpenSSH, PrivateFormat.PKCS8]


def text_of(key: object, form: PrivateFormat, encryption: serialization.KeySerializationEncryption | None = None) -> str:
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("form", FORMATS)
def test_ed25519_signs(form: PrivateFormat) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    key.public_key().verify(ParsedPrivateKey.parse(text_of(key, form)).sign(b"x"), b"x")


@pytest.mark.parametrize("form", [*FORMATS, PrivateFormat.TraditionalOpenSSL])
def test_rsa_signs(form: PrivateFormat) -> None:
    signature = ParsedPrivateKey.parse(text_of(RSA, form)).sign(b"x")
    RSA.public_key().verify(signature, b"x", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(("curve", "algorithm"), [(ec.SECP256R1(), hashes.SHA256()), (ec.SECP384R1(), hashes.SHA384())])
@pytest.mark.parametrize("form", FORMATS)
def test_ecdsa_signs_with_the_hash_of_its_curve(
    curve: ec.EllipticCurve, algorithm: hashes.HashAlgorithm, form: PrivateFormat
) -> None:
    key = ec.generate_private_key(curve)
    key.public_key().verify(ParsedPrivateKey.parse(text_of(key, form)).sign(b"x"), b"x", ec.ECDSA(algorithm))


@pytest.mark.parametrize(
    ("key", "form", "problem"),
    [
        (rsa.generate_private_key(65537, 1024), PrivateFormat.PKCS8, "too weak: 1024 bits"),
        (ec.generate_private_key(ec.SECP521R1()), PrivateFormat.OpenSSH, "secp521r1"),
        (ec.generate_private_key(ec.SECP256K1()), PrivateFormat.PKCS8, "secp256k1"),
        (dsa.generate_private_key(1024), PrivateFormat.PKCS8, "not supported"),
    ],
)
def test_other_keys_are_refused(key: object, form: PrivateFormat, problem: str) -> None:
    with pytest.raises(KeyRefusedError, match=problem):
        ParsedPrivateKey.parse(text_of(key, form))


@pytest.mark.parametrize(
    "text", [PROTECTED, text_of(ed25519.Ed25519PrivateKey.generate(), PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))]
)
def test_a_passphrase_is_named_as_the_problem(text: str) -> None:
    with pytest.raises(KeyRefusedError, match="passphrase"):
        ParsedPrivateKey.parse(text)


@pytest.mark.parametrize(
    "text", ["", "ssh-ed25519 AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----\nAA\n-----END OPENSSH PRIVATE KEY-----"]
)
def test_what_is_no_key_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="expected an OpenSSH or PEM private key"):
        ParsedPrivateKey.parse(text)


def test_a_key_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "id"
    path.write_text(text_of(RSA, PrivateFormat.OpenSSH))
    assert ParsedPrivateKey.from_file(path).sign(b"x")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(KeyRefusedError):
        ParsedPrivateKey.from_file(path)


def test_its_old_name_is_known() -> None:
    assert FromCrypto is ParsedPrivateKey
