"""What programs for the existing Pie may ask for and this version does not offer yet: they get a sentence instead of a riddle."""

from collections.abc import Mapping

from inferlet.errors import LaterVersionError

NAMES = frozenset(
    {
        "Adapter",
        "AnyJson",
        "Audio",
        "Constraint",
        "Ebnf",
        "Grammar",
        "GrammarConstraint",
        "Image",
        "JsonSchema",
        "Matcher",
        "Regex",
        "Schema",
        "Speculator",
        "Speech",
        "SpeechBuilder",
        "Video",
        "Voice",
        "messaging",
        "reasoning",
        "scheduling",
        "tools",
        "write_wav",
        "zo",
    }
)
"""Of the package."""

GENERATOR_METHODS = frozenset({"adapter", "collect_json", "constrain", "horizon", "rebid_each_step", "zo_seed"})

_OPTIONS: Mapping[str, tuple[object, ...]] = {
    "adapter": (None,),
    "constrain": (None,),
    "horizon": (None,),
    "rebid_each_step": (True, False),
    "speculator": (None,),
    "system_speculation": (None, False),
    "zo_seed": (None,),
}
"""Keyword arguments of `Context.generate`, each with the values that ask for nothing."""


def refuse_later_options(function: str, options: Mapping[str, object]) -> None:
    """Raises `LaterVersionError` for what is still to come, `TypeError` for what nobody has heard of."""
    for name, value in options.items():
        if name not in _OPTIONS:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
        if value not in _OPTIONS[name]:
            raise LaterVersionError(f"{function}({name}=…)")
