"""What a worker child is started with."""

import platform
from pathlib import Path

import pytest

from pie.driver.child import worker_environment
from pie.driver.messages import WorkerConfig
from pie.driver.torch import TorchDriver
from pie.model.sources import embedded

ENABLED = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.parametrize(
    ("own", "tunables"),
    [
        ({}, "glibc.malloc.hugetlb=1"),
        ({"GLIBC_TUNABLES": "glibc.malloc.check=1"}, "glibc.malloc.check=1:glibc.malloc.hugetlb=1"),
        ({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}, "glibc.malloc.hugetlb=0"),
    ],
    ids=["none", "others", "the user's"],
)
def test_the_c_library_asks_for_huge_pages_unless_the_user_says_otherwise(own: dict[str, str], tunables: str) -> None:
    assert worker_environment({"PATH": "/bin", **own}) == {"PATH": "/bin", "GLIBC_TUNABLES": tunables}


def has_huge_pages() -> bool:
    name, version = platform.libc_ver()
    is_offered = ENABLED.exists() and "[never]" not in ENABLED.read_text()
    return is_offered and name == "glibc" and [int(part) for part in version.split(".")] >= [2, 35]


def huge_kibibytes(process_id: int | None) -> int:
    rollup = Path(f"/proc/{process_id}/smaps_rollup").read_text()
    (kibibytes,) = [int(line.split()[1]) for line in rollup.splitlines() if line.startswith("AnonHugePages:")]
    return kibibytes


@pytest.mark.slow
@pytest.mark.skipif(not has_huge_pages(), reason="this system has no transparent huge pages, or its C library cannot ask for them")
async def test_weights_lie_in_huge_pages() -> None:
    driver = TorchDriver(WorkerConfig(str(embedded()), threads=1, kv_cache_bytes=1 << 24))
    await driver.start()
    try:
        kibibytes = huge_kibibytes(driver.process_id)
    finally:
        await driver.close()
    assert kibibytes >= 8 << 10
