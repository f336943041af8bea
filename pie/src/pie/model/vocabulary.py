"""The bytes that each token stands for.

A tokenizer file stores tokens as text in one of two encodings:

- *Byte-level* (GPT-2, Llama 3, Qwen, …): every byte is written as one printable character; 188 bytes as the Latin-1 character of
  the same number, the other 68 as the characters from U+0100 on, in order.
- *SentencePiece* (Llama 2, Mistral, Gemma, …): text as it is, a space written as `▁`, and single bytes as `<0x0A>`. Some of these
  tokenizers put a space in front of every text; decoding takes it off again.

With the bytes at hand, decoding is a join, and decoding piece by piece is the same join with an incremental UTF-8 decoder.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pie.errors import ModelError

_METASPACE = "▁"
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Token id → bytes. Ids without a token (padding of the model's embedding) have none, and decode to nothing."""

    bytes_of: tuple[bytes, ...]
    spaces_stripped: int
    """How many spaces at the start of a text were put there by the tokenizer and are not part of the text."""


def build(decoder: Mapping[str, Any] | None, tokens: Mapping[str, int], added: Mapping[int, str], size: int) -> Vocabulary:
    """The vocabulary of a tokenizer file.

    `decoder` is the file's section of that name, `tokens` maps text to id, `added` holds the added tokens, which are stored as
    plain text in both encodings. `size` is at least the highest id plus one. Raises `ModelError` for a decoder of another kind.
    """
    steps = _steps(decoder)
    to_bytes = _encoding(steps)
    table = [b""] * size
    for text, token in tokens.items():
        table[token] = to_bytes(text)
    for token, text in added.items():
        table[token] = text.encode()
    return Vocabulary(tuple(table), sum(map(_spaces_stripped, steps)))


def _steps(decoder: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if decoder is None:
        return []
    return list(decoder["decoders"]) if decoder["type"] == "Sequence" else [decoder]


def _encoding(steps: Iterable[Mapping[str, Any]]) -> Callable[[str], bytes]:
    kinds = {step["type"] for step in steps}
    if "ByteLevel" in kinds:
        return _byte_level
    if kinds & {"Metaspace", "ByteFallback", "Replace"}:
        return _sentencepiece
    found = ", ".join(sorted(kinds)) or "none"
    raise ModelError(f"the tokenizer's decoder ({found}) is not supported: Pie needs a byte-level or SentencePiece one")


def _spaces_stripped(step: Mapping[str, Any]) -> int:
    if step["type"] == "Metaspace":
        return 0 if step.get("prepend_scheme", "always") == "never" else 1
    return int(step["start"]) if step["type"] == "Strip" and step["content"] == " " else 0


def _byte_level_alphabet() -> dict[int, int]:
    """Code point of the character that stands for a byte → the byte."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {byte: byte for byte in printable} | {256 + index: byte for index, byte in enumerate(others)}


_ALPHABET = _byte_level_alphabet()
_NOT_IN_ALPHABET = re.compile(f"[^{re.escape(''.join(map(chr, _ALPHABET)))}]")


def _byte_level(text: str) -> bytes:
    if _NOT_IN_ALPHABET.search(text):
        return text.encode()
    return text.translate(_ALPHABET).encode("latin-1")


def _sentencepiece(text: str) -> bytes:
    if match := _BYTE_TOKEN.fullmatch(text):
        return bytes([int(match[1], 16)])
    return text.replace(_METASPACE, " ").encode()
