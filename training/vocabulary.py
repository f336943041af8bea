"""The tokenizer of pie-tiny: byte-level BPE learnt from its own corpus, digits one by one."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from random import Random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from training.corpus import documents

SIZE = 3072
SAMPLE_DOCUMENTS = 40_000
END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CONTROL_TOKENS = [END_OF_TEXT, TURN_START, TURN_END]
# Kept when a text is decoded without special tokens: readers look for them.
MARKUP_TOKENS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
# Words with at most one leading sign, single digits, runs of signs, line ends, other white space.
SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def learn(seed: int) -> Tokenizer:
    """Learns the merges from a sample of the corpus. Markup is left out of the sample, being added whole."""
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    control = [AddedToken(text, special=True, normalized=False) for text in CONTROL_TOKENS]
    markup = [AddedToken(text, special=False, normalized=False) for text in MARKUP_TOKENS]
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE - len(markup),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=control,
        show_progress=False,
    )
    sample = islice(documents(Random(seed)), SAMPLE_DOCUMENTS)
    tokenizer.train_from_iterator((without_markup(segment.text) for document in sample for segment in document), trainer)
    tokenizer.add_tokens(markup)
    return tokenizer


def without_markup(text: str) -> str:
    for token in CONTROL_TOKENS + MARKUP_TOKENS:
        text = text.replace(token, "\n")
    return text


def packaged(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """The tokenizer as `transformers` saves it, with the chat template."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        model_max_length=2048,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = TEMPLATE.read_text()
    return fast
