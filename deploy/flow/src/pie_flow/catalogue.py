"""Named types. A named type is written `Name<arguments>`, stands for another type, and is not interchangeable with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pie_flow.errors import UnknownTypeError
from pie_flow.parse import parse_type
from pie_flow.types import ATOMS, NamedType, Type, Variable
from pie_flow.unify import rebuild, variables
from pie_flow.unions import parts


@dataclass(frozen=True, slots=True)
class Definition:
    """`name<parameters> := type`."""

    name: str
    parameters: tuple[str, ...]
    """Names of the type variables in `type`."""
    type: Type
    domain: str = ""
    """What it belongs to: imaging, audio, …"""
    summary: str = ""

    @property
    def head(self) -> NamedType:
        return NamedType(self.name, tuple(map(Variable, self.parameters)))

    def __str__(self) -> str:
        return f"{self.head} := {self.type}"


class Catalogue:
    """Definitions by name. Immutable."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        """Raises UnknownTypeError unless every name that a definition uses is defined before it: so none contains itself."""
        self._definitions: dict[str, Definition] = {}
        for definition in definitions:
            self.check(definition.type)
            unbound = {variable.name for variable in variables(definition.type)} - set(definition.parameters)
            if unbound or definition.name in self._definitions:
                raise UnknownTypeError(f"{definition.name} is defined twice, or uses what is no parameter of it")
            self._definitions[definition.name] = definition

    @property
    def names(self) -> Sequence[str]:
        """Sorted."""
        return sorted(self._definitions)

    def definition(self, name: str) -> Definition:
        """Raises UnknownTypeError."""
        definition = self._definitions.get(name)
        if definition is None:
            near = get_close_matches(name, [*ATOMS, *self._definitions], n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise UnknownTypeError(f"there is no type {name}; {meant}`pie type list` shows those that there are")
        return definition

    def base(self, named: NamedType) -> Type:
        """What a named type stands for, with its arguments in place. Raises UnknownTypeError."""
        definition = self._with_arguments(named)
        arguments = dict(zip(definition.parameters, named.arguments, strict=True))
        return rebuild(definition.type, lambda variable: arguments[variable.name])

    def check(self, kind: Type) -> None:
        """Raises UnknownTypeError when a named type in it is not defined, or has another number of arguments."""
        if isinstance(kind, NamedType):
            self._with_arguments(kind)
        for part in parts(kind):
            self.check(part)

    def parse(self, text: str) -> Type:
        """`parse_type` and `check`: what everybody calls with a type that came from outside."""
        kind = parse_type(text)
        self.check(kind)
        return kind

    def _with_arguments(self, named: NamedType) -> Definition:
        definition = self.definition(named.name)
        wanted, given = len(definition.parameters), len(named.arguments)
        if wanted != given:
            raise UnknownTypeError(f"{definition.head} takes {wanted} type argument{'s' * (wanted != 1)}, not {given}")
        return definition


_NAMES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "choice": (
        ("Nothing", "()", "No value."),
        ("Just<t>", "t", "A value that might have been absent."),
        ("Maybe<t>", "Nothing | Just<t>", "A value, or nothing."),
    ),
    "text": (
        ("Json", "String", "A JSON document as text."),
        ("Markdown", "String", "Text with Markdown in it."),
        ("Url", "String", "An absolute URL."),
        ("Message", "{role: String, content: String}", "One turn of a chat; `role` is user, assistant, system or tool."),
        ("Chat", "[Message]", "A conversation, oldest message first."),
        ("Timestamp", "Int64", "Nanoseconds since 1970-01-01 UTC."),
        ("Duration", "Int64", "Nanoseconds."),
    ),
    "tensors": (
        ("Tensor", "{dtype: String, shape: [UInt32], data: Bytes}", "A dense array, row-major, little-endian. A numpy array."),
        ("Embedding", "Tensor", "A vector that stands for a text, picture or sound."),
        ("Logits", "Tensor", "Scores before a softmax."),
        ("TokenIds", "[UInt32]", "Tokens of a model's vocabulary."),
    ),
    "imaging": (
        ("Gray8", "()", "One byte per pixel."),
        ("Rgb8", "()", "Three bytes per pixel: red, green, blue."),
        ("Rgba8", "()", "Four bytes per pixel: red, green, blue, opacity."),
        ("PixelFormat", "Gray8 | Rgb8 | Rgba8", "How a picture's bytes are meant."),
        (
            "Image",
            "{width: UInt32, height: UInt32, format: PixelFormat, data: Bytes}",
            "A picture, rows from the top. A numpy array: uint8, (height, width) or (height, width, 3 or 4).",
        ),
        (
            "DepthImage",
            "{width: UInt32, height: UInt32, data: Bytes}",
            "Distances in metres. A numpy array: float32, (height, width).",
        ),
        ("EncodedImage", "{media_type: String, data: Bytes}", "A picture as a file, such as PNG or JPEG."),
    ),
    "audio": (
        ("AudioFrame", "{rate: UInt32, samples: Tensor}", "Sound: samples per second; float32, (frames, channels), -1 to 1."),
    ),
    "geometry": (
        ("Point", "{x: Double, y: Double}", "In pixels, from the top left."),
        ("Size", "{width: Double, height: Double}", "In pixels."),
        ("Rectangle", "{x: Double, y: Double, width: Double, height: Double}", "Its top left corner and its size."),
        ("Polygon", "[Point]", "Corners in order, closed."),
        ("BoundingBox", "{rectangle: Rectangle, angle: Double}", "A rectangle around a thing, turned by degrees."),
        ("Landmark", "{name: String, point: Point, confidence: Double}", "A named place in a picture."),
        ("Mask", "{width: UInt32, height: UInt32, data: Bytes}", "One byte per pixel: 0 outside, 255 inside."),
    ),
    "detection": (
        ("DetectedClass", "{label: String, confidence: Double}", "What a thing is taken for."),
        ("Detection", "{box: BoundingBox, detected: DetectedClass}", "A thing found in a picture."),
    ),
}
"""By domain: `Name<parameters>`, what it stands for, summary. A name stands after those that it uses."""


def _definitions() -> Iterable[Definition]:
    for domain, rows in _NAMES.items():
        for written, stands_for, summary in rows:
            named = parse_type(written)
            assert isinstance(named, NamedType), written
            parameters = tuple(str(argument) for argument in named.arguments)
            yield Definition(named.name, parameters, parse_type(stands_for), domain, summary)


CATALOGUE = Catalogue(_definitions())
"""The types that come with the platform, and `Nothing`, `Just<t>`, `Maybe<t>`."""
