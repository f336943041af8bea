"""Rotary position embedding and its scalings.

A head's vector is rotated pairwise, pair i by position x frequency i (Su et al., "RoFormer", 2021). The scalings change the
frequencies so that a model reaches beyond the context it was first trained on: linear (Chen et al., 2023), YaRN (Peng et al., 2023)
and Llama 3.1's. Dynamic NTK changes them only for contexts longer than `max_position_embeddings`, which is where ours end, so it
equals no scaling here.
"""

from dataclasses import dataclass
from math import ceil, floor, log, pi
from typing import Literal

import torch
from torch import Tensor

from pie.errors import ModelError
from pie_worker.limits import CONTEXT_MAX
from pie_worker.models.fields import Fields

_THETA_MAX = 1e12
_FACTOR_MAX = 1e4


@dataclass(frozen=True, slots=True)
class Rope:
    """Frequencies of one model. `kind` says which of the other fields count."""

    theta: float
    kind: Literal["default", "linear", "dynamic", "yarn", "llama3"] = "default"
    factor: float = 1.0
    context_original: int = 0
    attention_factor: float = 1.0
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True
    low_frequency_factor: float = 1.0
    high_frequency_factor: float = 4.0

    def frequencies(self, head_dim: int) -> Tensor:
        """float32[head_dim / 2]"""
        plain = 1.0 / self.theta ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
        match self.kind:
            case "linear":
                return plain / self.factor
            case "yarn":
                return self._yarn(plain, head_dim)
            case "llama3":
                return self._llama3(plain)
            case _:
                return plain

    def _yarn(self, plain: Tensor, head_dim: int) -> Tensor:
        """High frequencies stay, low ones are interpolated, a ramp between."""

        def pair_with_rotations(rotations: float) -> float:
            return head_dim * log(self.context_original / (rotations * 2 * pi)) / (2 * log(self.theta))

        low, high = pair_with_rotations(self.beta_fast), pair_with_rotations(self.beta_slow)
        if self.truncate:
            low, high = floor(low), ceil(high)
        low, high = max(low, 0), min(high, head_dim - 1)
        width = high - low or 0.001
        ramp = ((torch.arange(head_dim // 2, dtype=torch.float32) - low) / width).clamp(0, 1)
        return plain / self.factor * ramp + plain * (1 - ramp)

    def _llama3(self, plain: Tensor) -> Tensor:
        """Wavelengths well inside the original context stay, those beyond it are stretched, a blend between."""
        wavelengths = 2 * pi / plain
        low_wavelength = self.context_original / self.low_frequency_factor
        high_wavelength = self.context_original / self.high_frequency_factor
        width = self.high_frequency_factor - self.low_frequency_factor
        smooth = (self.context_original / wavelengths - self.low_frequency_factor) / width
        blended = (1 - smooth) * plain / self.factor + smooth * plain
        stretched = torch.where(wavelengths > low_wavelength, plain / self.factor, plain)
        medium = (wavelengths >= high_wavelength) & (wavelengths <= low_wavelength)
        return torch.where(medium, blended, stretched)


def read_rope(fields: Fields, context_max: int) -> Rope:
    """From either style: `rope_theta` and `rope_scaling` at the top, or both in `rope_parameters`."""
    if fields.has("rope_parameters"):
        scaling = fields.object("rope_parameters")
        theta = scaling.number("rope_theta", 1.0, _THETA_MAX, _top_theta(fields))
    elif fields.has("rope_scaling"):
        scaling = fields.object("rope_scaling")
        theta = _top_theta(fields)
    else:
        return Rope(_top_theta(fields))
    kind = scaling.text("rope_type", scaling.text("type", "default"))
    match kind:
        case "default" | "dynamic":
            return Rope(theta, kind)
        case "linear":
            return Rope(theta, kind, _factor(scaling))
        case "yarn":
            return _read_yarn(scaling, theta, context_max)
        case "llama3":
            return _read_llama3(scaling, theta, context_max)
        case _:
            raise ModelError(f"config.json: RoPE scaling `{kind}` is not supported (default, linear, dynamic, yarn, llama3 are)")


def _top_theta(fields: Fields) -> float:
    return fields.number("rope_theta", 1.0, _THETA_MAX, 10000.0)


def _factor(scaling: Fields) -> float:
    return scaling.number("factor", 1e-3, _FACTOR_MAX)


def _original_context(scaling: Fields, context_max: int) -> int:
    return scaling.integer("original_max_position_embeddings", 1, CONTEXT_MAX, context_max)


def _read_yarn(scaling: Fields, theta: float, context_max: int) -> Rope:
    context_original = _original_context(scaling, context_max)
    factor = scaling.number("factor", 1e-3, _FACTOR_MAX, context_max / context_original)
    if scaling.has("attention_factor"):
        attention_factor = scaling.number("attention_factor", 0.0, _FACTOR_MAX)
    elif scaling.has("mscale") and scaling.has("mscale_all_dim"):
        scales = [scaling.number(key, 1e-3, _FACTOR_MAX) for key in ("mscale", "mscale_all_dim")]
        attention_factor = _yarn_magnitude(factor, scales[0]) / _yarn_magnitude(factor, scales[1])
    else:
        attention_factor = _yarn_magnitude(factor, 1.0)
    return Rope(
        theta=max(theta, 1.0001),  # its logarithm is divided by
        kind="yarn",
        factor=factor,
        context_original=context_original,
        attention_factor=attention_factor,
        beta_fast=scaling.number("beta_fast", 1e-3, _FACTOR_MAX, 32.0),
        beta_slow=scaling.number("beta_slow", 1e-3, _FACTOR_MAX, 1.0),
        truncate=scaling.flag("truncate", True),
    )


def _yarn_magnitude(factor: float, scale: float) -> float:
    return 1.0 if factor <= 1 else 0.1 * scale * log(factor) + 1.0


def _read_llama3(scaling: Fields, theta: float, context_max: int) -> Rope:
    low = scaling.number("low_freq_factor", 1e-3, _FACTOR_MAX)
    high = scaling.number("high_freq_factor", 1e-3, _FACTOR_MAX)
    if high <= low:
        raise ModelError(f"config.json: `high_freq_factor` ({high}) must be above `low_freq_factor` ({low})")
    return Rope(
        theta=theta,
        kind="llama3",
        factor=_factor(scaling),
        context_original=_original_context(scaling, context_max),
        low_frequency_factor=low,
        high_frequency_factor=high,
    )
