"""A Qwen3 of 100 million random parameters with pie-tiny's tokenizer and chat template: text goes in and comes out."""

import shutil
from pathlib import Path

import torch
import transformers

from pie.model.sources import embedded

TEXT_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json")


def write(folder: Path) -> Path:
    tiny = embedded()
    folder.mkdir(parents=True, exist_ok=True)
    own = transformers.AutoConfig.from_pretrained(tiny)
    config = transformers.Qwen3Config(
        vocab_size=own.vocab_size,
        hidden_size=768,
        intermediate_size=2304,
        num_hidden_layers=14,
        num_attention_heads=12,
        num_key_value_heads=4,
        head_dim=64,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=own.bos_token_id,
        eos_token_id=own.eos_token_id,
        pad_token_id=own.pad_token_id,
    )
    torch.manual_seed(0)
    transformers.Qwen3ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    for name in TEXT_FILES:
        shutil.copy(tiny / name, folder / name)
    return folder


def table(folder: Path) -> str:
    """Its `[[model]]` table, and that of its driver."""
    return f'[[model]]\nname = "m100"\nhf_repo = "{folder}"\n[model.driver]\ntype = "torch"\nactivation_dtype = "bfloat16"\n'
