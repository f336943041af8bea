"""Values that are numpy arrays: of `Tensor`, `Image` and `DepthImage`.

numpy is imported only when there is an array to make; buffers are looked at, not copied, wherever that is possible.
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pie_flow import limits
from pie_flow.errors import ValueTypeError
from pie_flow.variants import Variant

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)
"""Of a tensor; little-endian."""

_FORMATS = {1: "Gray8", 3: "Rgb8", 4: "Rgba8"}
"""By bytes per pixel."""
_CHANNELS = {name: channels for channels, name in _FORMATS.items()}


def is_array(value: object) -> bool:
    """Whether a value is a numpy array, without importing numpy: nobody can hold one who has not."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _conform_tensor(value: "Array") -> "Array":
    if value.dtype.name not in DTYPES:
        raise ValueTypeError("", f"a Tensor cannot hold {value.dtype.name}")
    if value.ndim > limits.ARRAY_DIMENSIONS_MAX:
        raise ValueTypeError("", f"a Tensor has at most {limits.ARRAY_DIMENSIONS_MAX} dimensions")
    return value


def _conform_image(value: "Array") -> "Array":
    shape = value.shape
    if value.dtype.name != "uint8" or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))):
        raise ValueTypeError("", f"an Image is uint8, (height, width) or (height, width, 3 or 4), not {value.dtype.name} {shape}")
    return value


def _conform_depth_image(value: "Array") -> "Array":
    if value.dtype.name != "float32" or value.ndim != 2:
        raise ValueTypeError("", f"a DepthImage is float32, (height, width), not {value.dtype.name} {value.shape}")
    return value


_CONFORM: Mapping[str, Callable[[Any], Any]] = {
    "Tensor": _conform_tensor,
    "Image": _conform_image,
    "DepthImage": _conform_depth_image,
}

ARRAY_TYPES = tuple(_CONFORM)
"""Names of the types whose values are arrays."""


def conform(name: str, value: object) -> Any:
    """The array, contiguous and little-endian, if it is of the named type. Raises ValueTypeError."""
    if not is_array(value):
        raise ValueTypeError("", f"{name} is a numpy array, not {type(value).__name__}")
    array: Any = _CONFORM[name](value)
    if not array.dtype.isnative or sys.byteorder == "big":
        array = array.astype(array.dtype.newbyteorder("<"))
    if array.flags.c_contiguous:
        return array
    import numpy as np

    return np.ascontiguousarray(array)


def to_record(name: str, array: Any) -> dict[str, Any]:
    """What the array's type stands for, as a record."""
    data = array.tobytes()
    if name == "Tensor":
        return {"dtype": array.dtype.name, "shape": list(array.shape), "data": data}
    height, width = array.shape[:2]
    size = {"width": width, "height": height, "data": data}
    if name == "DepthImage":
        return size
    return size | {"format": Variant(_FORMATS[1 if array.ndim == 2 else array.shape[2]], ())}


def from_record(name: str, record: Mapping[str, Any]) -> Any:
    """The array over the record's bytes, read only, without a copy. Raises ValueTypeError when the bytes are not as many as they
    should be.
    """
    if name == "Tensor":
        if record["dtype"] not in DTYPES:
            raise ValueTypeError(".dtype", f"one of {', '.join(DTYPES)}, not {record['dtype'][:40]!r}")
        return _view(record["data"], record["dtype"], record["shape"])
    shape = [record["height"], record["width"]]
    if name == "DepthImage":
        return _view(record["data"], "float32", shape)
    channels = _CHANNELS[record["format"].tag]
    return _view(record["data"], "uint8", shape if channels == 1 else [*shape, channels])


def _view(data: bytes, dtype: str, shape: Sequence[int]) -> Any:
    import numpy as np

    if len(shape) > limits.ARRAY_DIMENSIONS_MAX:
        raise ValueTypeError(".shape", f"at most {limits.ARRAY_DIMENSIONS_MAX} dimensions")
    kind = np.dtype(dtype).newbyteorder("<")
    wanted = math.prod(shape) * kind.itemsize
    if len(data) != wanted:
        raise ValueTypeError(".data", f"{wanted} bytes for this size, not {len(data)}")
    return np.frombuffer(data, kind).reshape(shape)
