"""`wasi:random`: bytes from the process's entropy. The insecure functions draw from it too: there is nothing to gain by less."""

from pie.limits import WASI_RANDOM_BYTES_MAX
from pie.sandbox.interface import GuestTrap, Interface
from pie.wasi.state import HasWasi
from pie.wasi.version import versioned


def random_bytes(state: HasWasi, length: int) -> bytes:
    if length > WASI_RANDOM_BYTES_MAX:
        raise GuestTrap(f"{length} random bytes were asked for; one call gives at most {WASI_RANDOM_BYTES_MAX}")
    return state.wasi.entropy(length)


def random_u64(state: HasWasi) -> int:
    return int.from_bytes(state.wasi.entropy(8), "little")


def insecure_seed(state: HasWasi) -> tuple[int, int]:
    return random_u64(state), random_u64(state)


RANDOM = Interface(
    name=versioned("wasi:random/random"),
    functions={"get-random-bytes": random_bytes, "get-random-u64": random_u64},
)

INSECURE = Interface(
    name=versioned("wasi:random/insecure"),
    functions={"get-insecure-random-bytes": random_bytes, "get-insecure-random-u64": random_u64},
)

INSECURE_SEED = Interface(
    name=versioned("wasi:random/insecure-seed"),
    functions={"insecure-seed": insecure_seed},
)
