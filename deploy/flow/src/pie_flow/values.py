"""Values: what they are in Python, whether they are of a type, and their form in JSON.

Bool → bool        Int32 … UInt64 → int      Float, Double → float     String → str     Char → str of one character
Bytes → bytes      [t] → list                (a, b) → tuple            {x: A} → dict
A | B              the bare value if its Python class tells which alternative it is, else `Variant(tag, value)`; named
                   alternatives are always variants. `Maybe<t>`: `NOTHING` and `just(x)`
Image              what it stands for, without a tag; the array types (`pie_flow.arrays`: Tensor, Image, DepthImage)
                   are numpy arrays
t                  a variable that nothing has bound: any value
"""

from pie_flow.conform import Value, check, conform
from pie_flow.json_form import from_json, to_json
from pie_flow.variants import NOTHING, Variant, just

__all__ = ["NOTHING", "Value", "Variant", "check", "conform", "from_json", "just", "to_json"]
