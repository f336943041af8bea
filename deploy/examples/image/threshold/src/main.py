"""Makes a picture black and white."""

import numpy as np
from numpy.typing import NDArray

from pie_component import config, log, run


@config.subscribe
def changed(name: str, old: object, new: object) -> None:
    log.info("%s was %s and is %s", name, old, new)


def threshold(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(picture >= config.level, np.uint8(255), np.uint8(0))


run(threshold)
