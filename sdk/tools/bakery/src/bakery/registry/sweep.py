"""Removes what publishing left behind: uploads that expired, and artifacts of no version."""

from dataclasses import dataclass

from bakery.limits import ORPHAN_AGE_S, UPLOAD_EXPIRES_S
from bakery.registry.artifacts import Artifacts
from bakery.registry.store import Store


@dataclass(frozen=True, slots=True)
class Swept:
    uploads: int
    artifacts: int
    freed_bytes: int


def sweep_uploads(store: Store, artifacts: Artifacts, now_s: float) -> int:
    """Ends expired uploads and removes their files, and files of uploads that nobody knows (any more). Returns how many uploads."""
    expired = store.forget_expired(now_s)
    for upload in expired:
        artifacts.discard(upload)
    for name, age_s in artifacts.staged():
        upload, _, being_received = name.partition(".")
        if age_s > UPLOAD_EXPIRES_S and (being_received or not store.is_pending(upload)):
            artifacts.discard(name)
    return len(expired)


def sweep_orphans(store: Store, artifacts: Artifacts, orphan_age_s: float = ORPHAN_AGE_S) -> tuple[int, int]:
    """Removes artifacts of no version: a server that died between moving the file and committing leaves one. Returns how many, and
    their bytes.

    Only old ones: a young one's commit may be under way.
    """
    count = freed_bytes = 0
    for checksum in artifacts.kept():
        if store.is_used(checksum):
            continue
        kept = artifacts.look_at(checksum)
        if kept is not None and kept.age_s > orphan_age_s:
            artifacts.remove(checksum)
            count += 1
            freed_bytes += kept.size_bytes
    return count, freed_bytes


def sweep(store: Store, artifacts: Artifacts, now_s: float, orphan_age_s: float = ORPHAN_AGE_S) -> Swept:
    """Both."""
    uploads = sweep_uploads(store, artifacts, now_s)
    return Swept(uploads, *sweep_orphans(store, artifacts, orphan_age_s))
