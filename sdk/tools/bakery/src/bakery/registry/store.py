"""Users, programs, versions and uploads, in SQL. `rules` decides who may do what; here it holds when two come at once."""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Row, Select, case, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from bakery.errors import ConflictError, NotFoundError, TooManyError
from bakery.limits import UPLOADS_PENDING_MAX
from bakery.registry import rules
from bakery.registry.names import ProgramName, sort_key
from bakery.registry.records import (
    Artifact,
    Details,
    Found,
    FoundPage,
    Ownership,
    Program,
    Statement,
    Submission,
    Upload,
    User,
    Version,
)
from bakery.registry.tables import metadata, programs, settings, uploads, users, versions
from pie_sql import Database

T = TypeVar("T")
_SIGNING_KEY = "upload-signing-key"
_RACES_MAX = 5
"""Somebody else was faster so often in one row that it is no coincidence."""


class Store:
    """All methods are transactions of their own, block, and may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self) -> None:
        """Makes the tables that are missing."""
        try:
            self._create()
        except (IntegrityError, ProgrammingError):  # another server is just making them; PostgreSQL says so in either way
            self._create()

    def signing_key(self) -> bytes:
        """The same for every server on this database; made at first."""
        with self._database.reading() as connection:
            known = connection.scalar(select(settings.c.value).where(settings.c.key == _SIGNING_KEY))
        if known is not None:
            return bytes.fromhex(known)
        try:
            with self._database.writing() as connection:
                connection.execute(insert(settings).values(key=_SIGNING_KEY, value=secrets.token_hex(32)))
        except IntegrityError:
            pass  # another server was faster: its key counts
        return self.signing_key()

    def check(self) -> None:
        """Raises `StoreError` if the database does not answer."""
        with self._database.reading() as connection:
            connection.scalar(select(1))

    # Looking

    def program(self, name: str) -> Program:
        """With all versions. Raises `NotFoundError`."""
        with self._database.reading() as connection:
            row = connection.execute(select(programs, users.c.login).join(users).where(programs.c.name == name)).one_or_none()
            if row is None:
                raise NotFoundError(f"no program `{name}`")
            listed = rules.listed(map(_version, connection.execute(_listing(row.id))))
            readme = connection.scalar(_of_version(versions.c.readme, name, listed[0].num)) if listed else None
        return Program(row.id, row.name, row.login, row.downloads, row.created_s, listed, readme or "")

    def artifact(self, name: str, num: str) -> Artifact:
        """What a version's download is, yanked or not. Raises `NotFoundError`."""
        with self._database.reading() as connection:
            row = connection.execute(_of_version(versions, name, num)).one_or_none()
        if row is None:
            raise NotFoundError(f"no `{name}@{num}`")
        return Artifact(row.checksum, row.size_bytes, row.yanked, row.manifest)

    def search(self, query: str, page: int, per_page: int) -> FoundPage:
        """Programs whose name or description contains the query, those of that name first, then by downloads. Those with all
        versions yanked are not found."""
        newest = (
            select(versions.c.program_id, func.max(versions.c.sort_key).label("sort_key"))
            .where(versions.c.yanked.is_(False))
            .group_by(versions.c.program_id)
            .subquery()
        )
        latest = (newest.c.program_id == versions.c.program_id) & (newest.c.sort_key == versions.c.sort_key)
        pattern = f"%{_escaped(query.lower())}%"
        matches = or_(*(func.lower(column).like(pattern, escape="\\") for column in (programs.c.name, versions.c.description)))
        joined = programs.join(versions, versions.c.program_id == programs.c.id).join(newest, latest)
        order = (case((func.lower(programs.c.name) == query.lower(), 0), else_=1), programs.c.downloads.desc(), programs.c.name)
        lines = select(programs, versions.c.description, versions.c.num).select_from(joined).where(matches).order_by(*order)
        with self._database.reading() as connection:
            total = connection.scalar(select(func.count()).select_from(joined).where(matches)) or 0
            rows = connection.execute(lines.limit(per_page).offset((page - 1) * per_page)).all()
        return FoundPage(total, tuple(map(_found, rows)))

    # Publishing

    def announce(self, user: User, upload: Upload, now_s: float) -> None:
        """Step 1: remembers the upload, or that it expires later than thought. Raises `ForbiddenError`, `ConflictError`,
        `TooManyError`."""
        self._settled(lambda: self._announce(user, upload, now_s))

    def upload(self, id_: str, now_s: float) -> Upload:
        """Raises `NotFoundError`, also when it has expired."""
        with self._database.reading() as connection:
            return _upload(connection, id_, now_s)

    def commit(self, user: User, id_: str, said: Statement, now_s: float, keep: Callable[[], None]) -> int:
        """Step 3: the version is there, for everybody and for good. Returns the program's id.

        keep: puts the artifact where downloads find it; called once nothing else can go wrong and before anybody sees the version.
        Raises `NotFoundError`, `ForbiddenError`, `ConflictError`.
        """
        return self._settled(lambda: self._commit(user, id_, said, now_s, keep))

    def set_yanked(self, user: User, name: str, num: str, *, yanked: bool) -> None:
        """Raises `NotFoundError`, `ForbiddenError`."""
        with self._database.writing() as connection:
            owner = connection.scalar(_of_version(users.c.login, name, num))
            if owner is None:
                raise NotFoundError(f"no `{name}@{num}`")
            rules.check_may_yank(user, name, owner)
            program_id = select(programs.c.id).where(programs.c.name == name).scalar_subquery()
            this = (versions.c.program_id == program_id) & (versions.c.num == num)
            connection.execute(update(versions).where(this).values(yanked=yanked))

    def count_download(self, name: str) -> None:
        with self._database.writing() as connection:
            connection.execute(update(programs).where(programs.c.name == name).values(downloads=programs.c.downloads + 1))

    # Tidying

    def forget_expired(self, now_s: float) -> list[str]:
        """Ends uploads that expired; returns their ids, whose staged files are of no use."""
        with self._database.writing() as connection:
            ids = list(connection.scalars(select(uploads.c.id).where(uploads.c.expires_s <= now_s)))
            connection.execute(delete(uploads).where(uploads.c.expires_s <= now_s))
        return ids

    def is_pending(self, id_: str) -> bool:
        """Whether the upload is announced, and neither committed nor forgotten."""
        with self._database.reading() as connection:
            return connection.scalar(select(uploads.c.id).where(uploads.c.id == id_)) is not None

    def is_used(self, checksum: str) -> bool:
        """Whether any version has this artifact."""
        with self._database.reading() as connection:
            return connection.scalar(select(versions.c.id).where(versions.c.checksum == checksum).limit(1)) is not None

    def _create(self) -> None:
        with self._database.preparing() as connection:
            metadata.create_all(connection)

    def _announce(self, user: User, upload: Upload, now_s: float) -> None:
        with self._database.writing() as connection:
            _check_may_publish(connection, user, upload.submission)
            changed = connection.execute(update(uploads).where(uploads.c.id == upload.id).values(expires_s=upload.expires_s))
            if changed.rowcount:
                return
            mine = (uploads.c.user_id == user.id) & (uploads.c.expires_s > now_s)
            waiting = connection.scalars(select(uploads.c.expires_s).where(mine).order_by(uploads.c.expires_s)).all()
            if len(waiting) >= UPLOADS_PENDING_MAX:
                raise TooManyError(
                    f"{len(waiting)} uploads are announced and not committed: commit them, or wait until they expire",
                    waiting[0] - now_s,
                )
            connection.execute(insert(uploads).values(_upload_row(upload)))

    def _commit(self, user: User, id_: str, said: Statement, now_s: float, keep: Callable[[], None]) -> int:
        with self._database.writing() as connection:
            wanted = _upload(connection, id_, now_s).submission
            owned = _check_may_publish(connection, user, wanted)
            program_id = owned or _add_program(connection, user, wanted.name, now_s)
            row = _version_row(program_id, user, wanted, said, now_s)
            connection.execute(insert(versions).values(row))
            connection.execute(delete(uploads).where(uploads.c.id == id_))
            keep()
        return program_id

    def _settled(self, attempt: Callable[[], T]) -> T:
        """The outcome of an attempt. Somebody faster makes it fail on a rule of the tables; then what he wrote is looked at."""
        for _ in range(_RACES_MAX):
            try:
                return attempt()
            except IntegrityError:
                continue
        raise ConflictError("others are publishing the same at the same time")


def _check_may_publish(connection: Connection, user: User, wanted: Submission) -> int | None:
    """The program's id if it is there."""
    owner = select(programs.c.id, programs.c.name, users.c.login).join(users).where(programs.c.folded == wanted.name.folded)
    row = connection.execute(owner).one_or_none()
    if row is None:
        rules.check_may_publish(user, wanted, None, ())
        return None
    nums = connection.scalars(select(versions.c.num).where(versions.c.program_id == row.id))
    rules.check_may_publish(user, wanted, Ownership(row.name, row.login), nums)
    id_: int = row.id
    return id_


def _add_program(connection: Connection, user: User, name: ProgramName, now_s: float) -> int:
    values = {"name": str(name), "folded": name.folded, "owner_id": user.id, "downloads": 0, "created_s": now_s}
    id_: int = connection.execute(insert(programs).values(values).returning(programs.c.id)).scalar_one()
    return id_


def _version_row(program_id: int, user: User, wanted: Submission, said: Statement, now_s: float) -> dict[str, object]:
    return {
        "program_id": program_id,
        "num": wanted.version,
        "sort_key": sort_key(wanted.version),
        "checksum": wanted.checksum,
        "size_bytes": wanted.size_bytes,
        "yanked": False,
        "publisher_id": user.id,
        "created_s": now_s,
        "description": said.description,
        "details": msgspec.json.encode(said.details).decode(),
        "manifest": said.manifest,
        "readme": said.readme,
    }


def _listing(program_id: int) -> Select[Any]:
    """Every version, without what is long."""
    short = [column for column in versions.c if column.name not in {"manifest", "readme"}]
    return select(*short, users.c.login).join(users).where(versions.c.program_id == program_id)


def _of_version(what: Any, name: str, num: str) -> Select[Any]:
    """Something of one version, its program or the program's owner."""
    joined = versions.join(programs, versions.c.program_id == programs.c.id).join(users, programs.c.owner_id == users.c.id)
    return select(what).select_from(joined).where(programs.c.name == name, versions.c.num == num)


def _upload(connection: Connection, id_: str, now_s: float) -> Upload:
    row = connection.execute(select(uploads).where(uploads.c.id == id_, uploads.c.expires_s > now_s)).one_or_none()
    if row is None:
        raise NotFoundError("no such upload: never announced, expired, or committed before")
    return Upload(
        row.id, row.user_id, Submission(ProgramName.parse(row.name), row.num, row.checksum, row.size_bytes), row.expires_s
    )


def _upload_row(upload: Upload) -> dict[str, object]:
    wanted = upload.submission
    return {
        "id": upload.id,
        "user_id": upload.user_id,
        "name": str(wanted.name),
        "num": wanted.version,
        "checksum": wanted.checksum,
        "size_bytes": wanted.size_bytes,
        "expires_s": upload.expires_s,
    }


def _version(row: Row[Any]) -> Version:
    details = msgspec.json.decode(row.details, type=Details)
    return Version(row.num, row.checksum, row.size_bytes, row.yanked, row.created_s, row.login, row.description, details)


def _found(row: Row[Any]) -> Found:
    return Found(row.id, row.name, row.description, row.downloads, row.num, row.created_s)


def _escaped(text: str) -> str:
    """Takes LIKE's wildcards literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
