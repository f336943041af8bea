import pytest

from bakery import BuildError
from bakery.component import Component, check_program, read_component

PREAMBLE = b"\0asm\x0d\0\x01\0"


def section(kind: int, content: bytes) -> bytes:
    return bytes([kind, len(content)]) + content


def name(text: str) -> bytes:
    return bytes([0, len(text)]) + text.encode()


def instance_import(text: str) -> bytes:
    return section(10, bytes([1]) + name(text) + bytes([5, 0]))


def instance_export(text: str) -> bytes:
    return section(11, bytes([1]) + name(text) + bytes([5, 0, 0]))


def test_imports_and_exports_are_read_in_order() -> None:
    content = PREAMBLE + instance_import("wasi:io/poll@0.2.9") + section(0, b"\x04note") + instance_export("pie:toast/run")
    assert read_component(content) == Component(("wasi:io/poll@0.2.9",), ("pie:toast/run",))


def test_entries_of_every_kind_are_skipped_over() -> None:
    kinds = [b"\x00\x11\x05", b"\x01\x05", b"\x02\x00\x05", b"\x02\x01\x73", b"\x03\x00\x05", b"\x03\x01", b"\x04\x05", b"\x05\x05"]
    entries = [name("a") + kind for kind in kinds if kind != b"\x03\x01"]
    content = PREAMBLE + section(10, bytes([len(entries)]) + b"".join(entries)) + instance_export("b")
    assert read_component(content).imports == ("a",) * len(entries)


def test_an_export_may_carry_its_type() -> None:
    exports = name("a") + b"\x05\x02\x01\x05\x03" + name("b") + b"\x01\x02\x00"
    assert read_component(PREAMBLE + section(11, b"\x02" + exports)).exports == ("a", "b")


@pytest.mark.parametrize("run", ["pie:inferlet/run@0.1.0", "pie:my-program/run", "pie:a1/run@1.2.3"])
def test_a_component_that_exports_run_is_a_program(run: str) -> None:
    check_program(
        PREAMBLE + instance_import("wasi:io/poll@0.2.9") + instance_import("pie:inferlet/chat@0.1.0") + instance_export(run)
    )


@pytest.mark.parametrize("export", ["wasi:cli/run@0.2.0", "pie:toast/start", "run"])
def test_a_component_without_run_is_not(export: str) -> None:
    with pytest.raises(BuildError, match=f"exports no pie:<name>/run, only: {export}"):
        check_program(PREAMBLE + instance_export(export))


def test_imports_of_another_world_are_named() -> None:
    with pytest.raises(BuildError, match="imports what no engine offers: acme:oven/bake"):
        check_program(PREAMBLE + instance_import("acme:oven/bake") + instance_export("pie:toast/run"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a WebAssembly component"),
        (b"#!/bin/sh\n", "not a WebAssembly component"),
        (b"\0asm\x01\0\0\0", "core WebAssembly module"),
        (PREAMBLE + b"\x0b\x7f", "truncated"),
        (PREAMBLE + b"\x0b", "truncated"),
        (PREAMBLE + section(11, b"\x05"), "truncated"),
        (PREAMBLE + section(10, b"\x01\x00\x7fab"), "truncated"),
        (PREAMBLE + section(10, b"\x01\x00\x01\xff\x05\x00"), "truncated"),
    ],
)
def test_other_bytes_are_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(BuildError, match=complaint):
        read_component(content)
