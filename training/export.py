"""Writes a run's weights as a checkpoint folder: `python -m training.export --run NAME [--folder FOLDER]`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import GenerationConfig, Qwen3Config, Qwen3ForCausalLM

from training import vocabulary
from training.batches import END_ID
from training.network import Shape
from training.train import RUNS, tokenizer_of

DATA = Path(__file__).parents[1] / "pie/src/pie/data/pie-tiny"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="pie-tiny")
    parser.add_argument("--folder", type=Path, default=DATA)
    arguments = parser.parse_args()
    export(RUNS / arguments.run, arguments.folder)


def export(run: Path, folder: Path) -> None:
    """The model card in `folder` stays; everything else of the checkpoint is written anew."""
    tokenizer = tokenizer_of(run)
    turn_end = tokenizer.token_to_id(vocabulary.TURN_END)
    assert turn_end is not None
    model = Qwen3ForCausalLM(configuration(Shape(vocabulary_size=vocabulary.SIZE), turn_end))
    weights = torch.load(run / "checkpoint.pt", weights_only=True)["network"]
    model.load_state_dict(
        {"lm_head.weight": weights["embed_tokens.weight"]} | {f"model.{name}": value for name, value in weights.items()}
    )
    model.generation_config = GenerationConfig(eos_token_id=[turn_end, END_ID], pad_token_id=END_ID)
    model.to(torch.bfloat16).save_pretrained(folder)
    vocabulary.packaged(tokenizer).save_pretrained(folder)


def configuration(shape: Shape, turn_end: int) -> Qwen3Config:
    return Qwen3Config(
        vocab_size=shape.vocabulary_size,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.feedforward_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=shape.context_max,
        rope_theta=shape.rope_theta,
        rms_norm_eps=shape.norm_epsilon,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=turn_end,
        pad_token_id=END_ID,
    )


if __name__ == "__main__":
    main()
