"""WavLM-large with an ECAPA-TDNN head: the speaker encoder behind the SIM of papers.

The weights are UniSpeech's speaker verification checkpoint `wavlm_large_finetune.pth`, to which
the Seed-TTS evaluation scripts link. WavLM itself is transformers'; its names differ from the
checkpoint's, and every name is accounted for.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import WavLMConfig, WavLMModel

SPEAKER_RATE_HZ = 16000
# The classes of the training speakers; no embedding needs them.
TRAINING_ONLY = frozenset({"loss_calculator.projection.weight"})
RES2_SCALE = 8
DILATIONS = (2, 3, 4)


class SpeakerCheckpointError(ValueError):
    """A speaker checkpoint that is missing, damaged or of another layout; names the keys."""


def large_wavlm_config() -> WavLMConfig:
    """WavLM-large as published; its masking and dropout matter in training only."""
    return WavLMConfig(
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        conv_bias=False,
        num_conv_pos_embeddings=128,
        num_conv_pos_embedding_groups=16,
        num_buckets=320,
        max_bucket_distance=800,
        layerdrop=0.0,
    )


@dataclass(frozen=True)
class SpeakerConfig:
    """Sizes of the network; the defaults are the published ones.

    Attributes:
        wavlm: of the feature extractor.
        channels: of the three blocks, a multiple of 8.
        pooled_channels: before the pooling, which doubles them.
        bottleneck: of the channel gates and of the attention in the pooling.
        embedding_size: of the result.
    """

    wavlm: WavLMConfig = field(default_factory=large_wavlm_config)
    channels: int = 512
    pooled_channels: int = 1536
    bottleneck: int = 128
    embedding_size: int = 256


class ConvReluNorm(nn.Module):
    """Convolution, ReLU, batch norm, in this order: (B, C, T) -> (B, D, T)."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel_size, padding=kernel_size // 2)
        self.bn = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(functional.relu(self.conv(x)))


class Res2Conv(nn.Module):
    """Dilated convolutions over groups of channels, each group seeing the one before it."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.width = channels // RES2_SCALE
        groups = range(RES2_SCALE - 1)
        self.convs = nn.ModuleList(
            nn.Conv1d(self.width, self.width, 3, padding=dilation, dilation=dilation)
            for _ in groups
        )
        self.bns = nn.ModuleList(nn.BatchNorm1d(self.width) for _ in groups)

    def forward(self, x: Tensor) -> Tensor:
        *groups, last = x.split(self.width, dim=1)
        out: list[Tensor] = []
        for group, conv, norm in zip(groups, self.convs, self.bns, strict=True):
            summed = group + out[-1] if out else group
            out.append(norm(functional.relu(conv(summed))))
        return torch.cat([*out, last], dim=1)


class ChannelGate(nn.Module):
    """Squeeze and excitation: each channel scaled by a gate that sees all means over time."""

    def __init__(self, channels: int, bottleneck: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, bottleneck)
        self.linear2 = nn.Linear(bottleneck, channels)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.linear2(functional.relu(self.linear1(x.mean(dim=2))))
        return x * torch.sigmoid(gate)[..., None]


class SpeakerBlock(nn.Module):
    """One ECAPA-TDNN block with its residual: (B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int, dilation: int, bottleneck: int) -> None:
        super().__init__()
        self.before = ConvReluNorm(channels, channels)
        self.res2 = Res2Conv(channels, dilation)
        self.after = ConvReluNorm(channels, channels)
        self.gate = ChannelGate(channels, bottleneck)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gate(self.after(self.res2(self.before(x))))


class AttentivePooling(nn.Module):
    """Mean and deviation over time under learnt weights: (B, C, T) -> (B, 2 C)."""

    def __init__(self, channels: int, bottleneck: int) -> None:
        super().__init__()
        self.linear1 = nn.Conv1d(channels, bottleneck, 1)
        self.linear2 = nn.Conv1d(bottleneck, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.linear2(torch.tanh(self.linear1(x))), dim=2)
        mean = (weights * x).sum(dim=2)
        variance = (weights * x**2).sum(dim=2) - mean**2
        return torch.cat([mean, variance.clamp(min=1e-9).sqrt()], dim=1)


class SpeakerNet(nn.Module):
    """Waveform -> speaker embedding.

    Args of the constructor: sizes. `forward` takes float32 (1, N) at 16 kHz, one utterance, and
    returns float32 (1, embedding_size), not normalised.
    """

    def __init__(self, config: SpeakerConfig) -> None:
        super().__init__()
        size, channels = config.wavlm.hidden_size, config.channels
        self.wavlm = WavLMModel(config.wavlm)
        self.feature_weight = nn.Parameter(torch.zeros(config.wavlm.num_hidden_layers + 1))
        self.layer1 = ConvReluNorm(size, channels, kernel_size=5)
        self.layer2, self.layer3, self.layer4 = (
            SpeakerBlock(channels, dilation, config.bottleneck) for dilation in DILATIONS
        )
        self.conv = nn.Conv1d(len(DILATIONS) * channels, config.pooled_channels, 1)
        self.pooling = AttentivePooling(config.pooled_channels, config.bottleneck)
        self.bn = nn.BatchNorm1d(2 * config.pooled_channels)
        self.linear = nn.Linear(2 * config.pooled_channels, config.embedding_size)

    def features(self, wav: Tensor) -> Tensor:
        """float32 (1, N) -> (1, hidden_size, T): weighted sum of what enters and leaves layers."""
        wav = functional.layer_norm(wav, wav.shape[1:])
        out = self.wavlm(wav, output_hidden_states=True)
        # transformers 5 takes the last entry before the final layer norm; the checkpoint was
        # trained on the encoder's output, which is after it.
        inputs = out.hidden_states[: self.wavlm.config.num_hidden_layers]
        layers = torch.stack([*inputs, out.last_hidden_state])
        weights = torch.softmax(self.feature_weight, dim=0)[:, None, None, None]
        return (weights * layers).sum(dim=0).transpose(1, 2) + 1e-6

    def forward(self, wav: Tensor) -> Tensor:
        x = self.layer1(functional.instance_norm(self.features(wav)))
        blocks = []
        for block in (self.layer2, self.layer3, self.layer4):
            x = block(x)
            blocks.append(x)
        pooled = self.pooling(functional.relu(self.conv(torch.cat(blocks, dim=1))))
        return self.linear(self.bn(pooled))


# Ours -> the checkpoint's, applied one after another.
_RENAMES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^wavlm\.", "feature_extract.model."),
        (r"(feature_extractor\.conv_layers\.\d+)\.conv\.", r"\1.0."),
        (r"(feature_extractor\.conv_layers\.\d+)\.layer_norm\.", r"\1.2.1."),
        (r"\.feature_projection\.projection\.", ".post_extract_proj."),
        (r"\.feature_projection\.layer_norm\.", ".layer_norm."),
        (r"\.masked_spec_embed$", ".mask_emb"),
        (r"\.pos_conv_embed\.conv\.parametrizations\.weight\.original0", ".pos_conv.0.weight_g"),
        (r"\.pos_conv_embed\.conv\.parametrizations\.weight\.original1", ".pos_conv.0.weight_v"),
        (r"\.pos_conv_embed\.conv\.bias", ".pos_conv.0.bias"),
        (r"(encoder\.layers\.\d+)\.layer_norm\.", r"\1.self_attn_layer_norm."),
        (r"\.attention\.gru_rel_pos_linear\.", ".self_attn.grep_linear."),
        (r"\.attention\.gru_rel_pos_const$", ".self_attn.grep_a"),
        (r"\.attention\.rel_attn_embed\.", ".self_attn.relative_attention_bias."),
        (r"\.attention\.", ".self_attn."),
        (r"\.feed_forward\.intermediate_dense\.", ".fc1."),
        (r"\.feed_forward\.output_dense\.", ".fc2."),
        (r"^(layer[234])\.before\.", r"\1.Conv1dReluBn1."),
        (r"^(layer[234])\.res2\.", r"\1.Res2Conv1dReluBn."),
        (r"^(layer[234])\.after\.", r"\1.Conv1dReluBn2."),
        (r"^(layer[234])\.gate\.", r"\1.SE_Connect."),
    )
)


def official_name(name: str) -> str:
    """The checkpoint's name of one of `SpeakerNet`'s tensors."""
    for pattern, replacement in _RENAMES:
        name = pattern.sub(replacement, name)
    return name


def to_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of `SpeakerNet` under the checkpoint's names."""
    return {official_name(name): tensor for name, tensor in state.items()}


def from_official(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The checkpoint's tensors under the names of `SpeakerNet`.

    Args:
        state: tensors by the checkpoint's names.
        expected: state dict of the network they are for.

    Raises:
        SpeakerCheckpointError: a tensor is missing, unknown or of another shape; names them.
    """
    names = {official_name(name): name for name in expected}
    found = {name: tensor for name, tensor in state.items() if name not in TRAINING_ONLY}
    missing, unknown = sorted(set(names) - set(found)), sorted(set(found) - set(names))
    if missing or unknown:
        raise SpeakerCheckpointError(
            f"the speaker checkpoint does not fit: missing {_some(missing)}, unknown "
            f"{_some(unknown)}; give the original wavlm_large_finetune.pth"
        )
    shapes = {
        name: (tuple(found[name].shape), tuple(expected[ours].shape))
        for name, ours in names.items()
        if found[name].shape != expected[ours].shape
    }
    if shapes:
        wrong = [f"{name} {has} instead of {wants}" for name, (has, wants) in shapes.items()]
        raise SpeakerCheckpointError(f"the speaker checkpoint does not fit: shapes {_some(wrong)}")
    return {ours: found[name] for name, ours in names.items()}


def _some(names: Sequence[str], most: int = 6) -> str:
    if not names:
        return "none"
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def load_speaker_net(path: Path, config: SpeakerConfig | None = None) -> SpeakerNet:
    """Load the official checkpoint, strictly, without running code from it.

    Args:
        path: `wavlm_large_finetune.pth`, or a file of the same layout.
        config: sizes; None means the published ones.

    Returns:
        The network, frozen and ready for inference, on the CPU.

    Raises:
        SpeakerCheckpointError: missing, damaged, or not that layout; names the keys.
    """
    try:
        stored: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        first = (str(error).splitlines() or [repr(error)])[0]
        raise SpeakerCheckpointError(f"cannot read speaker checkpoint {path}: {first}") from error
    state = stored.get("model") if isinstance(stored, dict) else None
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise SpeakerCheckpointError(
            f"{path} holds no state dict under 'model'; give the original wavlm_large_finetune.pth"
        )
    with torch.device("meta"):
        net = SpeakerNet(config or SpeakerConfig())
    tensors = from_official(state, net.state_dict())
    # Counters stay integers; weights stored in half precision are computed in single.
    tensors = {k: t.float() if t.is_floating_point() else t for k, t in tensors.items()}
    net.load_state_dict(tensors, assign=True)
    return net.requires_grad_(False).eval()


def sinc_resample(wav: Tensor, sample_rate: int, target_rate: int) -> Tensor:
    """Windowed-sinc resampling as the official script's (Hann window, 6 zero crossings, .99).

    Args:
        wav: float32 (N,) at `sample_rate` Hz.

    Returns:
        float32 (ceil(N * target_rate / sample_rate),).
    """
    if sample_rate == target_rate or wav.numel() == 0:
        return wav
    crossings, rolloff = 6, 0.99
    divisor = math.gcd(sample_rate, target_rate)
    step, phases = sample_rate // divisor, target_rate // divisor
    cutoff = min(step, phases) * rolloff
    width = math.ceil(crossings * step / cutoff)
    # Row p holds the filter of output phase p; an output falls p / phases after its frame.
    taps = torch.arange(-width, width + step, dtype=torch.float64) / step
    offsets = torch.arange(phases, dtype=torch.float64)[:, None] / phases
    time = ((taps - offsets) * cutoff).clamp(-crossings, crossings)
    window = torch.cos(time * math.pi / crossings / 2) ** 2
    filters = (torch.sinc(time) * window * cutoff / step).to(wav.dtype)
    padded = functional.pad(wav, (width, width + step))
    frames = functional.conv1d(padded[None, None], filters[:, None], stride=step)
    length = math.ceil(phases * wav.numel() / step)
    return frames[0].T.reshape(-1)[:length]
