"""Private keys that prove who a user is."""

from pathlib import Path
from typing import Self, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from pie_client.errors import KeyRefusedError

_RSA_BITS_MIN = 2048
_FORMATS = "an OpenSSH or PEM private key (Ed25519, RSA, or ECDSA on P-256 or P-384)"

_Key: TypeAlias = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


class ParsedPrivateKey:
    """A key that engines accept: Ed25519, RSA of 2048 bits or more, ECDSA on P-256 or P-384."""

    def __init__(self, key: _Key) -> None:
        self._key = key

    @classmethod
    def parse(cls, key_content: str) -> Self:
        """From the text of an OpenSSH, PKCS#8 or PKCS#1 file without a passphrase. Raises `KeyRefusedError`, a `ValueError`."""
        return cls(_checked(_loaded(key_content.strip().encode() + b"\n")))

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Raises `KeyRefusedError` and `OSError`."""
        try:
            return cls.parse(Path(path).expanduser().read_text())
        except UnicodeDecodeError as error:
            raise KeyRefusedError(f"not text: expected {_FORMATS}") from error

    def sign(self, data: bytes) -> bytes:
        """The signature that engines verify: RSA as PKCS#1 v1.5 with SHA-256, ECDSA as DER with the hash of the curve's size."""
        match self._key:
            case rsa.RSAPrivateKey() as key:
                return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
            case ed25519.Ed25519PrivateKey() as key:
                return key.sign(data)
            case key:
                return key.sign(data, ec.ECDSA(hashes.SHA384() if isinstance(key.curve, ec.SECP384R1) else hashes.SHA256()))


def _loaded(text: bytes) -> object:
    load = serialization.load_ssh_private_key if b"OPENSSH PRIVATE KEY" in text else serialization.load_pem_private_key
    try:
        return load(text, password=None)
    except TypeError as error:
        raise KeyRefusedError("the key is protected by a passphrase; `ssh-keygen -p -N '' -f COPY` makes a copy without") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        problem = "protected by a passphrase, or damaged" if b"PRIVATE KEY" in text else "no private key"
        raise KeyRefusedError(f"{problem}: expected {_FORMATS}") from error


def _checked(key: object) -> _Key:
    match key:
        case rsa.RSAPrivateKey() if key.key_size < _RSA_BITS_MIN:
            raise KeyRefusedError(f"RSA key is too weak: {key.key_size} bits; {_RSA_BITS_MIN} or more are needed")
        case ec.EllipticCurvePrivateKey() if not isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
            raise KeyRefusedError(f"ECDSA on the curve {key.curve.name} is not supported: P-256 and P-384 are")
        case rsa.RSAPrivateKey() | ed25519.Ed25519PrivateKey() | ec.EllipticCurvePrivateKey():
            return key
        case _:
            raise KeyRefusedError(f"keys of type {type(key).__name__} are not supported: expected {_FORMATS}")
