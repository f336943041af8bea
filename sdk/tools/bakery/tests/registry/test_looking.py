"""Search, info, download, yank, on each database."""

from collections.abc import Callable
from typing import Any

import pytest

Fields = Callable[..., dict[str, Any]]


async def found(bench: Any, query: str = "") -> list[str]:
    answer = await bench.http.get("/api/v1/inferlets", params={"q": query})
    return [item["name"] for item in answer.json()["items"]]


async def test_an_empty_registry_finds_nothing(bench: Any) -> None:
    answer = await bench.get("inferlets")
    assert answer.json() == {"total": 0, "page": 1, "pages": 0, "per_page": 20, "items": []}


async def test_a_line_of_a_search(bench: Any) -> None:
    await bench.publish(description="Toasts.")
    (item,) = (await bench.get("inferlets")).json()["items"]
    assert item.pop("created_at") == "2027-01-15T08:00:00+00:00"
    assert item == {"id": 1, "name": "toast", "description": "Toasts.", "downloads": 0, "latest_version": "1.0.0"}


async def test_a_search_looks_at_names_and_descriptions_whatever_the_case(bench: Any) -> None:
    await bench.publish(name="toast", description="Makes bread warm.")
    await bench.publish(name="Bread", description="Bakes.")
    assert await found(bench, "BREAD") == ["Bread", "toast"]
    assert await found(bench, "warm") == ["toast"]
    assert await found(bench, "cheese") == []


async def test_wildcards_of_the_database_are_letters(bench: Any) -> None:
    await bench.publish(name="a_b", description="50% off \\ here")
    await bench.publish(name="axb", description="nothing")
    assert await found(bench, "a_b") == ["a_b"]
    assert await found(bench, "0%") == ["a_b"]
    assert await found(bench, "\\") == ["a_b"]
    assert await found(bench, "' OR 1=1 --") == []


async def test_pages_are_of_the_size_asked_for(bench: Any) -> None:
    for letter in "abcde":
        await bench.publish(name=letter)
    second = (await bench.get("inferlets?page=2&per_page=2")).json()
    assert [item["name"] for item in second["items"]] == ["c", "d"]
    assert (second["total"], second["pages"], second["page"], second["per_page"]) == (5, 3, 2, 2)


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page=٣", "per_page=101", "page=" + "9" * 30, "q=" + "x" * 201, "q=%00"]
)
async def test_a_search_that_makes_no_sense_is_refused(bench: Any, query: str) -> None:
    assert (await bench.get(f"inferlets?{query}")).status_code == 422


async def test_info_lists_versions_newest_first(bench: Any) -> None:
    for version in ("0.9.0", "0.10.0", "0.2.0"):
        await bench.publish(version=version, readme=f"# {version}")
    answer = (await bench.get("inferlets/toast")).json()
    assert [version["num"] for version in answer["versions"]] == ["0.10.0", "0.9.0", "0.2.0"]
    assert [version["readme"] for version in answer["versions"]] == ["# 0.10.0", "", ""]
    assert answer["latest_version"] == "0.10.0"


async def test_a_version_has_all_fields_that_clients_know(bench: Any, fields: Fields) -> None:
    await bench.publish(description="Toasts.")
    answer = (await bench.get("inferlets/toast")).json()
    assert set(answer) == {"id", "name", "owner", "downloads", "created_at", "latest_version", "versions"}
    assert answer["versions"] == [
        {
            "num": "1.0.0",
            "checksum": fields()["checksum"],
            "size_bytes": fields()["size_bytes"],
            "description": "Toasts.",
            "runtime": {},
            "parameters": {},
            "dependencies": {},
            "wit": None,
            "yanked": False,
            "created_at": "2027-01-15T08:00:00+00:00",
            "authors": [],
            "keywords": [],
            "repository": "",
            "readme": "",
        }
    ]


@pytest.mark.parametrize(
    "path",
    ["toast", "toast/1.0.0/manifest", "toast/1.0.0/download", "a/b", "..%2f..%2fetc", "toast/1.0/manifest", "a%00b", "a/b/c/d/e"],
)
async def test_what_is_not_there_is_not_found(bench: Any, path: str) -> None:
    answer = await bench.get(f"inferlets/{path}")
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


async def test_downloads_are_counted_and_looks_are_not(bench: Any, fields: Fields) -> None:
    await bench.publish()
    for _ in range(3):
        await bench.get("inferlets/toast/1.0.0/download")
    looked = await bench.http.head("/api/v1/inferlets/toast/1.0.0/download")
    assert (looked.headers["content-length"], looked.headers["x-checksum-sha256"]) == (
        str(fields()["size_bytes"]),
        fields()["checksum"],
    )
    assert (await bench.get("inferlets/toast")).json()["downloads"] == 3


async def test_a_yanked_version_is_hidden_flagged_and_still_there(bench: Any, toast: bytes) -> None:
    for version in ("1.0.0", "2.0.0"):
        await bench.publish(version=version)
    yanked = await bench.http.put("/api/v1/inferlets/toast/2.0.0/yank", headers=bench.as_("alice"))
    assert yanked.json() == {"name": "toast", "version": "2.0.0", "yanked": True}
    answer = (await bench.get("inferlets/toast")).json()
    assert answer["latest_version"] == "1.0.0"
    assert [(version["num"], version["yanked"]) for version in answer["versions"]] == [("1.0.0", False), ("2.0.0", True)]
    assert (await bench.get("inferlets")).json()["items"][0]["latest_version"] == "1.0.0"
    assert (await bench.get("inferlets/toast/2.0.0/download")).content == toast


async def test_a_program_whose_versions_are_all_yanked_is_not_found_and_comes_back(bench: Any) -> None:
    await bench.publish()
    await bench.http.put("/api/v1/inferlets/toast/1.0.0/yank", headers=bench.as_("alice"))
    assert await found(bench) == []
    assert (await bench.get("inferlets/toast")).json()["latest_version"] is None
    await bench.http.delete("/api/v1/inferlets/toast/1.0.0/yank", headers=bench.as_("alice"))
    assert await found(bench) == ["toast"]


async def test_a_version_that_is_none_cannot_be_yanked(bench: Any) -> None:
    await bench.publish()
    for version in ("%00", "latest", "x" * 200):
        refused = await bench.http.put(f"/api/v1/inferlets/toast/{version}/yank", headers=bench.as_("alice"))
        assert refused.status_code == 404


async def test_owner_and_administrator_may_yank_and_nobody_else(bench: Any) -> None:
    await bench.publish("alice")
    url = "/api/v1/inferlets/toast/1.0.0/yank"
    assert (await bench.http.put(url)).status_code == 401
    assert (await bench.http.put(url, headers=bench.as_("bob"))).status_code == 403
    assert (await bench.http.put(url, headers=bench.as_("root", admin=True))).status_code == 200
    assert (await bench.http.put(url.replace("1.0.0", "9.9.9"), headers=bench.as_("alice"))).status_code == 404
