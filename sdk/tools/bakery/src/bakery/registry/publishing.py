"""Publishing in three steps: announce, put, commit.

```
            announce                put (any time until it expires)              commit
 nothing ──────────────▶ announced ─────────────────────────────▶ staged ─────────────────────▶ published
                             ▲  ▲                                   │        for everybody and for good
                             │  └── nothing was put: 409 ───────────┘
                             └─ announced again: expires later
```

A version becomes visible in the transaction that commits it, after its artifact has its final name. Dying anywhere before
leaves rows and files that nobody sees and the sweep removes; the publisher starts again.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bakery.errors import ConflictError, ForbiddenError, InvalidRequestError, StalledError, TooLargeError, TooManyError
from bakery.limits import (
    ARTIFACT_BYTES_MAX,
    BODY_IDLE_S,
    COPY_BYTES,
    UPLOAD_EXPIRES_S,
    UPLOADS_AT_ONCE_MAX,
    UPLOADS_AT_ONCE_PER_USER_MAX,
)
from bakery.registry import rules
from bakery.registry.artifacts import Artifacts, Part
from bakery.registry.messages import CommitRequest, NewRequest
from bakery.registry.records import Submission, Upload, User
from bakery.registry.store import Store
from bakery.registry.tokens import is_signed, sign_upload, upload_id


@dataclass(frozen=True, slots=True)
class Address:
    """Where an upload may be put: all that a client needs to know, signed."""

    upload: str
    expires_s: int
    signature: str


class Publishing:
    """The three steps. `now_s` comes in."""

    def __init__(self, store: Store, artifacts: Artifacts, *, bytes_max: int = ARTIFACT_BYTES_MAX) -> None:
        self._store = store
        self._artifacts = artifacts
        self._bytes_max = bytes_max
        self._key = store.signing_key()
        self._receiving: Counter[int] = Counter()

    def announce(self, user: User, request: NewRequest, now_s: float) -> Address:
        """Raises `InvalidRequestError`, `ForbiddenError`, `ConflictError`, `TooManyError`. Blocks."""
        wanted = rules.submission(request, bytes_max=self._bytes_max)
        upload = Upload(upload_id(user.id, wanted), user.id, wanted, int(now_s) + UPLOAD_EXPIRES_S)
        self._store.announce(user, upload, now_s)
        return self._address(upload)

    async def put(self, address: Address, body: AsyncIterator[bytes], now_s: float) -> None:
        """Receives the artifact, and stages it if it is what was announced.

        Raises `ForbiddenError` if the address is not ours or has expired, `NotFoundError` if the upload has ended, `TooLargeError`,
        `InvalidRequestError`, `StalledError`, `TooManyError`. Whatever it raises, what was staged before stays.
        """
        upload = await asyncio.to_thread(self._upload, address, now_s)
        with self._counted(upload.user_id):
            try:
                async with asyncio.timeout(address.expires_s - now_s):
                    await self._receive(upload, body)
            except TimeoutError as error:
                raise StalledError("the upload took longer than its address is valid") from error

    def commit(self, user: User, request: CommitRequest, now_s: float) -> int:
        """Makes the version visible; returns the program's id.

        Raises `InvalidRequestError`, `ForbiddenError`, `NotFoundError`, `ConflictError`. Blocks.
        """
        wanted = rules.submission(request, bytes_max=self._bytes_max)
        said = rules.statement(request, wanted)
        id_ = upload_id(user.id, wanted)

        def keep() -> None:
            if self._artifacts.staged_bytes(id_) != wanted.size_bytes:
                raise ConflictError("nothing was uploaded yet: PUT the component to `upload_url` first")
            self._artifacts.keep(id_, wanted.checksum)

        return self._store.commit(user, id_, said, now_s, keep)

    def _address(self, upload: Upload) -> Address:
        expires_s = int(upload.expires_s)
        return Address(upload.id, expires_s, sign_upload(self._key, upload.id, upload.submission, expires_s))

    @contextmanager
    def _counted(self, user_id: int) -> Iterator[None]:
        """A body being received. No user can take all the places."""
        if self._receiving.total() >= UPLOADS_AT_ONCE_MAX or self._receiving[user_id] >= UPLOADS_AT_ONCE_PER_USER_MAX:
            raise TooManyError("too many uploads at once", retry_after_s=5)
        self._receiving[user_id] += 1
        try:
            yield
        finally:
            self._receiving[user_id] -= 1
            if not self._receiving[user_id]:
                del self._receiving[user_id]

    def _upload(self, address: Address, now_s: float) -> Upload:
        if address.expires_s <= now_s:
            raise ForbiddenError("this upload address has expired: announce the version again")
        upload = self._store.upload(address.upload, now_s)
        if not is_signed(self._key, upload.id, upload.submission, address.expires_s, address.signature):
            raise ForbiddenError("this upload address is not one of ours")
        return upload

    async def _receive(self, upload: Upload, body: AsyncIterator[bytes]) -> None:
        part = await asyncio.to_thread(self._artifacts.begin, upload.id)
        try:
            await _copy(body, part, upload.submission)
            await asyncio.to_thread(part.finish)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(part.abandon))
            raise


async def _copy(body: AsyncIterator[bytes], part: Part, wanted: Submission) -> None:
    """Writes a body in pieces, never holding more than one, and checks it on the way."""
    check = _Check(wanted)
    piece = bytearray()
    async for received in _steady(body):
        check.add(received)
        piece += received
        if len(piece) >= COPY_BYTES:
            await asyncio.to_thread(part.write, piece)
            piece = bytearray()
    check.end()
    await asyncio.to_thread(part.write, piece)


async def _steady(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same body; a sender that stops ends it with `StalledError`."""
    while True:
        try:
            async with asyncio.timeout(BODY_IDLE_S):
                received = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise StalledError(f"nothing came for {BODY_IDLE_S:g} s") from error
        yield received


class _Check:
    """Is what comes what was announced? Told as soon as it is known."""

    def __init__(self, wanted: Submission) -> None:
        self._wanted = wanted
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        self._head = b""

    def add(self, received: bytes) -> None:
        self._size_bytes += len(received)
        if self._size_bytes > self._wanted.size_bytes:
            raise TooLargeError(f"more than the {self._wanted.size_bytes} bytes announced")
        if len(self._head) < len(rules.COMPONENT_MAGIC):
            self._head += received[: len(rules.COMPONENT_MAGIC) - len(self._head)]
            if not rules.COMPONENT_MAGIC.startswith(self._head):
                raise InvalidRequestError("not a WebAssembly component")
        self._hash.update(received)

    def end(self) -> None:
        if self._size_bytes != self._wanted.size_bytes:
            raise InvalidRequestError(f"{self._size_bytes} bytes came, {self._wanted.size_bytes} were announced")
        if self._hash.hexdigest() != self._wanted.checksum:
            raise InvalidRequestError("the checksum is not the one announced")
