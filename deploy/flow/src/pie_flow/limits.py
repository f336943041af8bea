"""Every bound of what flows, with its reason. Types and literals come from manifests, operations and requests: all hostile."""

# --- Types -----------------------------------------------------------------------------------------------------------

TYPE_DEPTH_MAX = 32
"""Levels of a type, as written and after its variables were replaced: far beyond use, far below the interpreter's recursion limit.
"""

TYPE_PARTS_MAX = 2_000
"""Atoms, lists, … in one type, as written and after its variables were replaced: forty vertices that each pair a value with itself
would make 2^40.
"""

TYPE_CHARACTERS_MAX = 300_000
"""Of a type's text. So large that every type within the bounds above can be printed and read again."""

ALTERNATIVES_MAX = 64
"""Of one union: every literal without a tag is tried against each."""

IDENTIFIER_CHARACTERS_MAX = 64
"""Of a name: it stands in messages and addresses."""

# --- Literals and values ---------------------------------------------------------------------------------------------

LITERAL_CHARACTERS_MAX = 262_144
"""Of a literal's text: a long prompt or table; what is larger is a file."""

LITERAL_PARTS_MAX = 20_000
"""Numbers, strings, lists, … in one literal."""

LITERAL_TRIES_MAX = 50_000
"""How often alternatives of unions are tried for one literal: a second's work; tags need no tries."""

LITERAL_DEPTH_MAX = 64
"""Levels of a literal: twice a type's, because tags add some."""

NUMBER_CHARACTERS_MAX = 64
"""Of a number's text: the longest that means something has about 25; Python's integers would grow without end."""

VALUE_DEPTH_MAX = 64
"""Levels of a value whose type is still open."""

ARRAY_DIMENSIONS_MAX = 16
"""Of a tensor: numpy allows 64, nobody uses 16."""

# --- Transformations -------------------------------------------------------------------------------------------------

POSITIONS_MAX = 64
"""Inputs or outputs of one transformation."""

REPEAT_MAX = 10_000
"""How often `repeat` emits one value: the results of one step are a list in memory."""

WINDOW_MAX = 100_000
"""Values that `window` keeps."""
