"""Records as the API's JSON. Pure."""

from datetime import UTC, datetime

from bakery.registry import rules
from bakery.registry.messages import Me, ProgramInfo, SearchAnswer, SearchItem, VersionInfo
from bakery.registry.records import Found, FoundPage, Program, User, Version


def me(user: User) -> Me:
    return Me(id=user.id, login=user.login, name=user.login, avatar_url="", is_superuser=user.is_administrator)


def search(found: FoundPage, page: int, per_page: int) -> SearchAnswer:
    pages = -(-found.total // per_page)
    return SearchAnswer(total=found.total, page=page, pages=pages, per_page=per_page, items=[_item(item) for item in found.items])


def info(program: Program) -> ProgramInfo:
    """Only the newest version carries its readme: a thousand of them would be more than anybody wants to hold."""
    latest = rules.latest(program.versions)
    return ProgramInfo(
        id=program.id,
        name=program.name,
        owner=program.owner,
        downloads=program.downloads,
        created_at=_when(program.created_s),
        latest_version=latest.num if latest else None,
        versions=[_version(version, "" if place else program.readme) for place, version in enumerate(program.versions)],
    )


def _item(found: Found) -> SearchItem:
    return SearchItem(
        id=found.id,
        name=found.name,
        description=found.description,
        downloads=found.downloads,
        latest_version=found.latest_version,
        created_at=_when(found.created_s),
    )


def _version(version: Version, readme: str) -> VersionInfo:
    details = version.details
    return VersionInfo(
        num=version.num,
        checksum=version.checksum,
        size_bytes=version.size_bytes,
        description=version.description,
        runtime=details.runtime,
        parameters=details.parameters,
        dependencies=details.dependencies,
        wit=None,
        yanked=version.yanked,
        created_at=_when(version.created_s),
        authors=details.authors,
        keywords=details.keywords,
        repository=details.repository,
        readme=readme,
    )


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
