"""Measures which share of a picture is white. Its state, the number of pictures, survives restarts of the container."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pie_component import run


def measure(picture: NDArray[np.uint8], state: int) -> dict[str, Any]:
    pictures = state + 1
    return {"output": {"pictures": pictures, "share": float(np.mean(picture > 0))}, "state": pictures}


run(measure, initial_state=0)
