import string

from hypothesis import given
from hypothesis import strategies as st

from bakery.registry.manifest_text import manifest_text
from pie_wire.manifest import Manifest, Package, Parameter, parse

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
names = st.text(string.ascii_letters + string.digits, min_size=1, max_size=10)
packages = st.builds(
    Package,
    name=names,
    version=st.just("1.2.3"),
    description=texts,
    authors=st.lists(texts, max_size=3).map(tuple),
    repository=texts,
    readme=texts,
    keywords=st.lists(texts, max_size=3).map(tuple),
)
parameters = st.builds(
    Parameter, type=st.sampled_from(["string", "int", "float", "bool"]), optional=st.booleans(), description=texts
)
manifests = st.builds(
    Manifest,
    package=packages,
    runtime=st.dictionaries(texts, texts, max_size=3),
    parameters=st.dictionaries(texts, parameters, max_size=3),
    dependencies=st.dictionaries(names, st.just("0.1.0"), max_size=3),
)


@given(manifests)
def test_what_is_written_is_read_back(manifest: Manifest) -> None:
    assert parse(manifest_text(manifest)) == manifest


def test_it_looks_like_a_manifest_written_by_hand() -> None:
    manifest = Manifest(
        Package("toast", "1.0.0", "Toasts.", ("Ann",)),
        {"core": "^0.2.0"},
        {"n": Parameter("int", True, "Slices.")},
        {"oven": "0.1.0"},
    )
    assert manifest_text(manifest) == (
        '[package]\nname = "toast"\nversion = "1.0.0"\ndescription = "Toasts."\nauthors = ["Ann"]\n'
        '\n[runtime]\n"core" = "^0.2.0"\n'
        '\n[dependencies]\n"oven" = "0.1.0"\n'
        '\n[parameters]\n"n" = { type = "int", optional = true, description = "Slices." }\n'
    )
