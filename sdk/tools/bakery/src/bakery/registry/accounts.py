"""Users and their tokens, in SQL. Tokens are kept as hashes."""

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from bakery.errors import NotFoundError
from bakery.registry.names import checked_user_name
from bakery.registry.records import IssuedToken, User
from bakery.registry.tables import tokens, users
from bakery.registry.tokens import HINT_CHARACTERS, hash_of, new_token
from pie_sql import Database


class Accounts:
    """All methods are transactions of their own, block, and may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issue(self, login: str, now_s: float, *, administrator: bool = False, expires_s: float | None = None) -> str:
        """A new token for a user, who is made if he is new. Nobody can see it again. Raises `InvalidRequestError`."""
        checked_user_name(login)
        token = new_token()
        try:
            self._issue(login, token, now_s, administrator, expires_s)
        except IntegrityError:  # the user came to be in the meantime
            self._issue(login, token, now_s, administrator, expires_s)
        return token

    def user_of(self, token: str, now_s: float) -> User | None:
        """Who has the token; None if it is unknown, expired or revoked."""
        columns = (users.c.id, users.c.login, tokens.c.is_administrator, tokens.c.expires_s, tokens.c.revoked_s)
        with self._database.reading() as connection:
            row = connection.execute(select(*columns).join(users).where(tokens.c.hash == hash_of(token))).one_or_none()
        if row is None or row.revoked_s is not None or (row.expires_s is not None and row.expires_s <= now_s):
            return None
        return User(row.id, row.login, row.is_administrator)

    def tokens(self) -> list[IssuedToken]:
        """All, in the order of issue."""
        columns = [column for column in tokens.c if column.name not in {"hash", "user_id"}]
        with self._database.reading() as connection:
            rows = connection.execute(select(*columns, users.c.login).join(users).order_by(tokens.c.id)).all()
        return [IssuedToken(**row._mapping) for row in rows]

    def revoke(self, id_: int, now_s: float) -> None:
        """From now on the token is not valid. Twice is as good as once. Raises `NotFoundError`."""
        with self._database.writing() as connection:
            if connection.scalar(select(tokens.c.id).where(tokens.c.id == id_)) is None:
                raise NotFoundError(f"no token {id_}")
            connection.execute(update(tokens).where(tokens.c.id == id_, tokens.c.revoked_s.is_(None)).values(revoked_s=now_s))

    def _issue(self, login: str, token: str, now_s: float, administrator: bool, expires_s: float | None) -> None:
        with self._database.writing() as connection:
            values = {
                "user_id": _user_id(connection, login, now_s),
                "hash": hash_of(token),
                "hint": token[:HINT_CHARACTERS],
                "is_administrator": administrator,
                "created_s": now_s,
                "expires_s": expires_s,
            }
            connection.execute(insert(tokens).values(values))


def _user_id(connection: Connection, login: str, now_s: float) -> int:
    known: int | None = connection.scalar(select(users.c.id).where(users.c.login == login))
    if known is not None:
        return known
    id_: int = connection.execute(insert(users).values(login=login, created_s=now_s).returning(users.c.id)).scalar_one()
    return id_
