"""Makes pictures of a bright disc that moves over a dark ground, in a thread of its own, as a camera's driver would."""

import threading
import time
from itertools import count

import numpy as np
from numpy.typing import NDArray

from pie_component import config, run, virtual_input

PERIOD = 64
"""Pictures until the disc is back where it was."""


def picture(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Brightness falls from the centre of the disc to its rim."""
    x = width * (0.5 + 0.3 * np.cos(2 * np.pi * number / PERIOD))
    y = height * (0.5 + 0.3 * np.sin(2 * np.pi * number / PERIOD))
    rows, columns = np.ogrid[:height, :width]
    distance = np.hypot(rows - y, columns - x)
    return np.clip(255 - 4 * distance, 0, 255).astype(np.uint8)


def shoot() -> None:
    for number in count():
        virtual_input.push(picture(number, config.width, config.height))
        time.sleep(config.pause)


def show(virtual_input: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return virtual_input


threading.Thread(target=shoot, daemon=True).start()
run(show)
