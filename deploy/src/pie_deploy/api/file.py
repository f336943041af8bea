"""`/v1/files`: weights, fixtures, whatever a vertex binds."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.exceptions import HTTPException
from litestar.params import JSONBody, QueryParameter
from litestar.response import File as FileResponse

from pie_deploy.api.messages import Items, LinkFile, Ref
from pie_deploy.api.provided import Actor, Services, Uploads
from pie_deploy.domain.records import File
from pie_deploy.domain.role import Permission
from pie_deploy.errors import InvalidArgumentError
from pie_deploy.limits import API_BODY_IDLE_S, FILE_BYTES_MAX

FileName = Annotated[str, QueryParameter(name="name", max_length=255, description="What to call it.")]
FileType = Annotated[str, QueryParameter(name="type", max_length=255, description="Which slots accept it.")]
OfLease = Annotated[str | None, QueryParameter(name="lease", max_length=64, description="The lease that shall own it.")]
BINARY = "application/octet-stream"


class FileRoutes(Controller):
    path = "/v1/files"

    @get(permission=Permission.READ, sync_to_thread=True)
    def list(self, services: Services, actor: Actor) -> Items[File]:
        """Newest first."""
        return Items([*services.files.list(actor)])

    @post(permission=Permission.WRITE_FILES, request_max_body_size=FILE_BYTES_MAX)
    async def upload(
        self,
        services: Services,
        actor: Actor,
        uploads: Uploads,
        request: Request[Any, Any, Any],
        name: FileName,
        file_type: FileType = "any",
        lease: OfLease = None,
    ) -> File:
        """The body is the content, whatever its media type."""
        loop = asyncio.get_running_loop()
        pieces = in_thread(request.stream(), loop)
        # A thread waits for a slow caller all the time: these are not the threads that everything else needs.
        return await loop.run_in_executor(uploads, services.files.upload, actor, name, file_type, pieces, lease)

    @get("/{ref:str}", permission=Permission.READ, sync_to_thread=True)
    def show(self, services: Services, actor: Actor, ref: Ref) -> File:
        """By id, or the newest of a name."""
        return services.files.show(actor, ref)

    @get("/{ref:str}/content", permission=Permission.READ_CONTENTS, media_type=BINARY, sync_to_thread=True)
    def content(self, services: Services, actor: Actor, ref: Ref) -> FileResponse:
        """Its bytes."""
        row = services.files.show(actor, ref)
        return FileResponse(services.files.content(actor, row.id), filename=row.name, media_type=BINARY)

    @post("/{ref:str}/link", permission=Permission.WRITE_FILES, sync_to_thread=True)
    def link(self, services: Services, actor: Actor, ref: Ref, data: JSONBody[LinkFile]) -> File:
        """A file of its own that a lease owns, with the same content."""
        return services.files.link(actor, ref, data.lease)

    @delete("/{ref:str}", permission=Permission.WRITE_FILES, status_code=204, sync_to_thread=True)
    def delete(self, services: Services, actor: Actor, ref: Ref) -> None:
        """Refused while a backend has it bound."""
        services.files.delete(actor, ref)


def in_thread(pieces: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
    """For a service in a thread: each piece is fetched from the loop when it is asked for, so that no more than one waits. Raises
    InvalidArgumentError when the caller leaves before the end.
    """

    async def following() -> bytes | None:
        return await anext(pieces, None)

    while True:
        try:
            piece = asyncio.run_coroutine_threadsafe(following(), loop).result(2 * API_BODY_IDLE_S)
        except (HTTPException, TimeoutError) as error:
            raise InvalidArgumentError("the body has not come whole") from error
        if piece is None:
            return
        yield piece
