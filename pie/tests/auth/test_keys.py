"""Keys as people paste them: taken, or refused with what to do."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from pie.auth.keys import parse_public_key
from pie.errors import KeyRefusedError

ED25519 = Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())

SSH = (Encoding.OpenSSH, PublicFormat.OpenSSH)
PEM = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PKCS1 = (Encoding.PEM, PublicFormat.PKCS1)


def sign(key: object, message: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256() if key.curve.key_size == 256 else hashes.SHA384()))
    assert isinstance(key, Ed25519PrivateKey)
    return key.sign(message)


def text_of(key: Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: tuple[Encoding, PublicFormat]) -> str:
    return key.public_key().public_bytes(*form).decode()


@pytest.mark.parametrize(
    ("key", "form", "kind"),
    [
        (ED25519, SSH, "Ed25519"),
        (ED25519, PEM, "Ed25519"),
        (RSA, SSH, "RSA 2048"),
        (RSA, PEM, "RSA 2048"),
        (RSA, PKCS1, "RSA 2048"),
        (P256, SSH, "ECDSA P-256"),
        (P256, PEM, "ECDSA P-256"),
        (P384, SSH, "ECDSA P-384"),
        (P384, PEM, "ECDSA P-384"),
    ],
)
def test_a_signature_of_the_private_half_verifies_and_no_other(
    key: Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: tuple[Encoding, PublicFormat], kind: str
) -> None:
    public = parse_public_key(f"\n {text_of(key, form)} \n")
    assert public.kind == kind
    signature = sign(key, b"challenge")
    assert public.verify(b"challenge", signature)
    assert not public.verify(b"another", signature)
    assert not public.verify(b"challenge", sign(ED25519, b"other key") if key is not ED25519 else sign(RSA, b"challenge"))


@given(st.binary(max_size=300))
def test_no_signature_of_a_stranger_raises(signature: bytes) -> None:
    for key in (ED25519, RSA, P256, P384):
        assert not parse_public_key(text_of(key, SSH)).verify(b"challenge", signature)


def test_a_comment_after_the_key_is_allowed_and_the_fingerprint_does_not_depend_on_the_form() -> None:
    line = parse_public_key(text_of(ED25519, SSH) + " alice@laptop, old one")
    assert line == parse_public_key(text_of(ED25519, PEM))
    assert line.fingerprint.startswith("SHA256:")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (ED25519.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(), "private key"),
        (RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(), "ssh-keygen -y"),
        (text_of(ec.generate_private_key(ec.SECP521R1()), SSH), "P-521"),
        (text_of(ec.generate_private_key(ec.SECP521R1()), PEM), "ssh-keygen -t ed25519"),
        (text_of(ec.generate_private_key(ec.SECP256K1()), PEM), "not supported"),
        (dsa.generate_private_key(1024).public_key().public_bytes(*PEM).decode(), "not supported"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "DSA"),
        ("sk-ssh-ed25519@openssh.com AAAA", "security tokens"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "openssl x509"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "ssh-keygen -i"),
        (f'from="10.0.0.1" {text_of(ED25519, SSH)}', "options"),
        (f"{text_of(ED25519, SSH)}\n{text_of(P256, SSH)}", "more than one line"),
        (text_of(ED25519, SSH)[:-20], "damaged"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "damaged"),
        ("", "id_ed25519.pub"),
        ("hello", "id_ed25519.pub"),
        ("ssh-ed25519 " + "A" * 20_000, "right file"),
    ],
    ids=lambda text: text if len(text) < 40 else "long",  # keys are made anew each time
)
def test_what_is_no_good_key_is_refused_with_what_to_do(text: str, hint: str) -> None:
    with pytest.raises(KeyRefusedError, match=hint):
        parse_public_key(text)


def test_short_rsa_keys_are_refused() -> None:
    for form in (SSH, PEM, PKCS1):
        with pytest.raises(KeyRefusedError, match="1024"):
            parse_public_key(text_of(rsa.generate_private_key(65537, 1024), form))


@given(
    st.text(max_size=200), st.sampled_from(["", "ssh-ed25519 ", "ssh-rsa ", "-----BEGIN PUBLIC KEY-----\n", "ecdsa-sha2-nistp256 "])
)
def test_any_other_text_is_refused(text: str, beginning: str) -> None:
    with pytest.raises(KeyRefusedError):
        parse_public_key(beginning + text)
