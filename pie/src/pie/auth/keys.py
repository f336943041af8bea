"""Public keys as people paste them, and signatures made with their private halves."""

import base64
import hashlib
import re
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pie.errors import KeyRefusedError
from pie.limits import AUTH_KEY_CHARACTERS_MAX, AUTH_RSA_BITS_MAX, AUTH_RSA_BITS_MIN

AnyKey = Ed25519PublicKey | RSAPublicKey | ec.EllipticCurvePublicKey

CURVES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "secp256r1": ("ECDSA P-256", hashes.SHA256()),
    "secp384r1": ("ECDSA P-384", hashes.SHA384()),
}
"""The curves that are taken: what people call them, and the hash that goes with them."""

MAKE_ONE = "make one with: ssh-keygen -t ed25519"
OPENSSH = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384)) +\S+( .*)?")
HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("PRIVATE KEY"), "this is a private key, which nobody else must see; give its public half: ssh-keygen -y -f FILE"),
    (re.compile("BEGIN CERTIFICATE"), "this is a certificate; give its key: openssl x509 -in FILE -pubkey -noout"),
    (re.compile("BEGIN SSH2 PUBLIC KEY"), "convert this form of key: ssh-keygen -i -f FILE"),
    (re.compile(r"-cert-v\d\d@openssh\.com"), "this is an SSH certificate; give the public key that it was made for"),
    (re.compile(r"^(ssh-dss|-+BEGIN DSA)"), f"DSA keys are not safe any more; {MAKE_ONE}"),
    (re.compile(r"^ecdsa-sha2-nistp521"), f"P-521 keys are not supported; {MAKE_ONE}"),
    (re.compile(r"^sk-"), f"keys on security tokens are not supported; {MAKE_ONE}"),
    (re.compile(r" (ssh|ecdsa)-\S+ "), "options before the key are not supported; give the key alone"),
)
"""What people give instead of a public key, and what to do then."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures can be checked against."""

    kind: str
    """For people, such as `RSA 3072`."""
    fingerprint: str
    """As `ssh-keygen -l` shows it."""
    _key: AnyKey = field(repr=False, compare=False)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature is the private half's, over exactly this message. Never raises for what a stranger sends."""
        try:
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, message)
            elif isinstance(self._key, RSAPublicKey):
                self._key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            else:
                self._key.verify(signature, message, ec.ECDSA(CURVES[self._key.curve.name][1]))
        except InvalidSignature:
            return False
        return True


def parse_public_key(text: str) -> PublicKey:
    """The key in an OpenSSH line or a PEM text (SubjectPublicKeyInfo, or PKCS#1 for RSA). Raises `KeyRefusedError`."""
    text = text.strip()
    if len(text) > AUTH_KEY_CHARACTERS_MAX:
        raise KeyRefusedError(f"a public key has at most {AUTH_KEY_CHARACTERS_MAX} characters; is this the right file?")
    for pattern, hint in HINTS:
        if pattern.search(text):
            raise KeyRefusedError(hint)
    kind, key = _accepted(_loaded(text))
    return PublicKey(kind, _fingerprint(key), key)


def _loaded(text: str) -> object:
    is_pem = text.startswith("-----BEGIN ")
    if not is_pem and OPENSSH.fullmatch(text) is None:
        problem = "more than one line" if "\n" in text else "neither an OpenSSH line nor PEM"
        raise KeyRefusedError(f"this is not a public key: {problem}; give the content of a file like ~/.ssh/id_ed25519.pub")
    try:
        load = serialization.load_pem_public_key if is_pem else serialization.load_ssh_public_key
        return load(text.encode())
    except (ValueError, UnsupportedAlgorithm, TypeError) as error:
        raise KeyRefusedError(f"this public key is damaged or of an unknown kind; {MAKE_ONE}") from error


def _accepted(key: object) -> tuple[str, AnyKey]:
    """What people call the key, and the key. Raises `KeyRefusedError` if it is not one of those we take."""
    if isinstance(key, Ed25519PublicKey):
        return "Ed25519", key
    if isinstance(key, RSAPublicKey):
        if not AUTH_RSA_BITS_MIN <= key.key_size <= AUTH_RSA_BITS_MAX:
            allowed = f"{AUTH_RSA_BITS_MIN} to {AUTH_RSA_BITS_MAX}"
            raise KeyRefusedError(f"an RSA key must have {allowed} bits, this one has {key.key_size}; {MAKE_ONE}")
        return f"RSA {key.key_size}", key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return CURVES[key.curve.name][0], key
    raise KeyRefusedError(f"keys of this kind are not supported, but Ed25519, RSA, ECDSA P-256 and P-384 are; {MAKE_ONE}")


def _fingerprint(key: AnyKey) -> str:
    blob = base64.b64decode(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
