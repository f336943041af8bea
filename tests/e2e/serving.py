"""A server for tests of clients: a home of its own, but programs compiled and built once for all; users with keys."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pie.auth import users
from pie.config.config import AuthConfig, Config, ServerConfig
from pie.config.home import Home
from pie.programs.resolve import resolve

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True, slots=True)
class Built:
    """A program's two files."""

    wasm: Path
    manifest: Path


def home_beside(cached: Home, folder: Path) -> Home:
    """A home without users and programs that has what is built and compiled in common with another."""
    folder.mkdir(exist_ok=True)
    (folder / "cache").symlink_to(cached.root / "cache")
    return Home(folder)


def serving(config: Config, *, auth: bool = False) -> Config:
    """On a free port."""
    return msgspec.structs.replace(config, server=ServerConfig(port=0), auth=AuthConfig(enabled=auth))


PrivateKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def new_user(home: Home, name: str, key: PrivateKey | None = None, *, operator: bool = False) -> str:
    """A user's private key, an Ed25519 key in OpenSSH's form, or the given one in PKCS#8; the public one is known to the server."""
    form = PrivateFormat.OpenSSH if key is None else PrivateFormat.PKCS8
    key = key or ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    users.change(home.users, lambda known: users.with_key(users.with_user(known, name, operator=operator), name, "laptop", public))
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def built(target: str, home: Home, folder: Path) -> Built:
    """An example, or a program of these tests, as files to upload."""
    source = PROGRAMS / target
    program = resolve(str(source if source.exists() else target), home.built, print)
    manifest = source if source.exists() else Path(__file__).parents[2] / "inferlets" / target
    files = Built(folder / f"{target}.wasm", manifest / "Pie.toml")
    files.wasm.write_bytes(program.wasm)
    return files
