"""`pie component`: folders, archives, versions."""

import os
import tarfile
from io import BytesIO
from pathlib import Path

import cli_rows as rows
import pytest
from cli_fakes import FakeApi, run

from pie_deploy.cli.component.packing import pack, read_manifest
from pie_deploy.cli.component.starting import LANGUAGES, make
from pie_deploy.config import Home
from pie_deploy.errors import InvalidArgumentError, ManifestError
from pie_deploy.services import archive as archives


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make("shout", tmp_path / "shout", "py")


def names(data: bytes) -> list[str]:
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        return archive.getnames()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_made_can_be_published(tmp_path: Path, language: str) -> None:
    made = make("my-part", tmp_path / "x", language)
    manifest = read_manifest(made)
    assert (manifest.name, manifest.language) == ("my-part", language)
    assert archives.inspect(pack(made)).readme.startswith("# my-part")


def test_init_makes_a_folder_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("component", "init", "shout")
    assert (ran.code, ran.out) == (0, "")
    assert "pie component publish shout" in ran.err
    assert (tmp_path / "shout" / "component.yml").is_file()


@pytest.mark.parametrize("name", ["Shout", "1st", "", "a b", "../x"])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    assert run("component", "init", name, "-o", tmp_path / "x").code == 2
    assert not (tmp_path / "x").exists()


def test_what_is_there_is_not_overwritten(folder: Path) -> None:
    ran = run("component", "init", "shout", "-o", folder)
    assert (ran.code, ran.err) == (3, f"pie: {folder} is there already\n")


def test_an_unknown_language_is_told_which_there_are(tmp_path: Path) -> None:
    ran = run("component", "init", "shout", "-o", tmp_path / "x", "--language", "cobol")
    assert (ran.code, ran.err) == (2, "pie: there is no language 'cobol'; there are py, inferlet, command\n")


def test_the_same_folder_gives_the_same_bytes(folder: Path) -> None:
    before = pack(folder)
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    assert pack(folder) == before


def test_other_content_gives_other_bytes(folder: Path) -> None:
    before = pack(folder)
    (folder / "src" / "main.py").write_text("print()")
    assert pack(folder) != before


def test_what_tools_leave_behind_is_left_out(folder: Path) -> None:
    before = pack(folder)
    (folder / "src" / "__pycache__").mkdir()
    (folder / "src" / "__pycache__" / "main.pyc").write_bytes(b"")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("")
    (folder / ".env").write_text("SECRET=1")
    assert pack(folder) == before


def test_an_ignore_file_leaves_out_more(folder: Path) -> None:
    (folder / "data.bin").write_bytes(b"x")
    (folder / ".pieignore").write_text("# large\n*.bin\n")
    assert names(pack(folder)) == ["README.md", "component.yml", "src/main.py"]


def test_what_may_run_may_still_run(folder: Path) -> None:
    (folder / "run.sh").write_text("")
    (folder / "run.sh").chmod(0o755)
    with tarfile.open(fileobj=BytesIO(pack(folder))) as archive:
        assert {entry.name: entry.mode for entry in archive}["run.sh"] == 0o755


@pytest.mark.parametrize("target", ["/etc/passwd", "README.md"])
def test_a_link_is_refused(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    with pytest.raises(InvalidArgumentError, match="link is neither a file nor a folder"):
        pack(folder)


def test_a_folder_without_a_manifest_is_no_component(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"a component is a folder with a component\.yml"):
        pack(tmp_path)


def test_a_bad_manifest_names_folder_and_field(folder: Path) -> None:
    (folder / "component.yml").write_text("name: shout\nlanguage: cobol\n")
    with pytest.raises(ManifestError, match=rf"{folder}.*language"):
        pack(folder)


def test_the_entry_must_be_there(folder: Path) -> None:
    (folder / "src" / "main.py").rename(folder / "src" / "other.py")
    with pytest.raises(ManifestError, match=r"worker\.entry: there is no src/main\.py"):
        pack(folder)


def test_build_writes_the_archive(folder: Path, tmp_path: Path) -> None:
    ran = run("component", "build", folder, "-o", tmp_path / "out.tar.gz")
    assert ran.code == 0
    assert ran.out.startswith(f"✓ {tmp_path}/out.tar.gz")
    assert (tmp_path / "out.tar.gz").read_bytes() == pack(folder)


def test_publish_sends_the_archive(api: FakeApi, folder: Path) -> None:
    api.on("POST", "/v1/components", rows.version("shout"))
    ran = run("component", "publish", folder, "--lease", "l-1")
    assert (ran.code, ran.out) == (0, "✓ cv-aaaaaaaaaaaa: shout@1\n")
    assert api.asked[-1].body == pack(folder)
    assert api.asked[-1].query == {"lease": "l-1"}


def test_promote_takes_the_component_of_this_folder(api: FakeApi, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api.on("POST", "/v1/components/shout/promote", rows.version("shout", state="released"))
    monkeypatch.chdir(folder)
    assert run("component", "promote").out == "✓ cv-aaaaaaaaaaaa: shout@1 is released\n"


def test_versions_can_be_listed_for_one_name(api: FakeApi) -> None:
    api.on_items("/v1/components", rows.version("shout"))
    ran = run("component", "list", "--name", "shout")
    assert ran.out.splitlines()[1].split()[:3] == ["shout", "1", "prerelease"]
    assert api.asked[-1].query == {"name": "shout"}


def test_show_says_what_it_takes_and_gives(api: FakeApi) -> None:
    api.on("GET", "/v1/components/tokenise", rows.version())
    out = run("component", "show", "tokenise").out
    assert "Inputs:           String\n" in out
    assert "Parameter lower:  Bool = true, mutable\n" in out


def test_test_needs_no_platform(home: Home, folder: Path) -> None:
    assert run("component", "test", folder / "none").code != 0


def test_a_component_that_is_not_there_has_no_versions(api: FakeApi) -> None:
    api.on_items("/v1/components")
    assert run("component", "list", "--name", "cuont").err.startswith("pie: there is no component 'cuont' that you may use; see: ")
