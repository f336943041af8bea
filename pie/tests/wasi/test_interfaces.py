"""Every function of the WASI 0.2.12 interfaces is there, and nothing else."""

from collections import defaultdict
from pathlib import Path

from pie.wasi.interfaces import wasi_interfaces

OFFICIAL = (Path(__file__).parent / "data" / "functions-0.2.12.txt").read_text().splitlines()


def test_all_official_functions_are_provided():
    provided = {f"{interface.name.partition('@')[0]} {name}" for interface in wasi_interfaces() for name in interface.functions}
    assert provided == set(OFFICIAL)


def test_no_interface_is_declared_twice():
    names = [interface.name for interface in wasi_interfaces()]
    assert len(names) == len(set(names))


def test_a_resource_is_the_same_class_wherever_it_is_used():
    classes = defaultdict(set)
    for interface in wasi_interfaces():
        for name, resource in interface.resources.items():
            classes[name].add(resource)
    assert {name for name, found in classes.items() if len(found) > 1} == set()


def test_every_method_belongs_to_a_declared_resource():
    for interface in wasi_interfaces():
        for name in interface.functions:
            if name.startswith("[method]"):
                assert name.removeprefix("[method]").partition(".")[0] in interface.resources
