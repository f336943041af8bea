"""The database's tables. Times are seconds since 1970 (UTC); texts are bounded by `rules` before they come here.

```
users ──< tokens        settings (the key that signs upload addresses)
  │ └──< uploads        announced, not committed; gone once committed or expired
  └──< programs ──< versions        a version is never changed but for `yanked`
```
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

settings = Table("settings", metadata, Column("key", String(40), primary_key=True), Column("value", Text, nullable=False))

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("login", String(40), nullable=False, unique=True),
    Column("created_s", Float, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("hint", String(20), nullable=False),
    Column("is_administrator", Boolean, nullable=False),
    Column("created_s", Float, nullable=False),
    Column("expires_s", Float),
    Column("revoked_s", Float),
)

programs = Table(
    "programs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("folded", String(200), nullable=False, unique=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("downloads", BigInteger, nullable=False, default=0),
    Column("created_s", Float, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("program_id", ForeignKey("programs.id"), nullable=False),
    Column("num", String(40), nullable=False),
    Column("sort_key", String(120), nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("yanked", Boolean, nullable=False, default=False),
    Column("publisher_id", ForeignKey("users.id"), nullable=False),
    Column("created_s", Float, nullable=False),
    Column("description", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("readme", Text, nullable=False),
    UniqueConstraint("program_id", "num"),
    Index("versions_by_checksum", "checksum"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("num", String(40), nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("expires_s", Float, nullable=False),
    Index("uploads_by_expiry", "expires_s"),
)
