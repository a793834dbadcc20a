"""A small network that hears phonemes, so that a decoder learns to be understood.

Distances between spectrograms weigh a vowel's loud harmonics more than the short, quiet cues that
tell one consonant from another. The features of a network that was trained to recognise phonemes
weigh what tells words apart (deep feature losses, Germain et al. 2018).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.train.data import LABEL_S, UNLABELLED, PackedAudio, segments
from tokenizer.train.losses import AUDIBLE, magnitude, mel_filters

BANDS = 80
BATCH, SECONDS = 12, 2.0
LEARNING_RATE = 2e-3


class Listener(nn.Module):
    """Phonemes from 165 ms on either side: residual convolutions over a log-mel of 10 ms frames."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, num_labels: int, sample_rate: int, width: int = 160) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.hop = round(LABEL_S * sample_rate)
        self.window = 5 * self.hop // 2
        self.register_buffer("mean", torch.zeros(BANDS, 1))
        self.register_buffer("deviation", torch.ones(BANDS, 1))
        self.first = nn.Conv1d(BANDS, width, 5, padding=2)
        self.middle = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * d, dilation=d) for d in (1, 2, 3, 1)
        )
        self.head = nn.Conv1d(width, num_labels, 1)

    def log_mel(self, wav: Tensor) -> Tensor:
        """(B, 1, N) -> (B, BANDS, N / hop)."""
        filters = mel_filters(BANDS, self.window, self.sample_rate).to(wav.device)
        return torch.log10(filters @ magnitude(wav, self.window, self.hop) + AUDIBLE)[:, :, :-1]

    def forward(self, wav: Tensor) -> list[Tensor]:
        """wav (B, 1, N) -> features of every layer and, last, logits (B, num_labels, N / hop)."""
        x = F.gelu(self.first((self.log_mel(wav) - self.mean) / self.deviation))
        features = [x]
        for layer in self.middle:
            x = x + F.gelu(layer(x))
            features.append(x)
        return [*features, self.head(x)]


def train_listener(
    listener: Listener, audio: PackedAudio, steps: int, seed: int
) -> tuple[float, float]:
    """Teach it the labels of `audio`, then freeze it.

    Returns:
        Cross-entropy and share of the labels that are right, over the last tenth of the steps.
    """
    device = next(listener.parameters()).device
    batches = segments(audio, BATCH, round(SECONDS * audio.sample_rate), seed)
    optimizer = torch.optim.AdamW(listener.parameters(), LEARNING_RATE)
    figures = []
    for step in range(steps):
        wav, labels = (x.to(device) for x in next(batches))
        if step == 0:
            mel = listener.log_mel(wav).transpose(0, 1).flatten(1)
            listener.mean.copy_(mel.mean(1, keepdim=True))
            listener.deviation.copy_(mel.std(1, keepdim=True) + 1e-3)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / 50) * max(0.02, 1 - step / steps)
        logits = listener(wav)[-1]
        known = labels != UNLABELLED
        loss = F.cross_entropy(logits, labels, ignore_index=UNLABELLED, reduction="sum")
        loss = loss / known.sum().clamp_min(1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right = ((logits.argmax(1) == labels) & known).sum() / known.sum().clamp_min(1)
        figures.append((loss.item(), right.item()))
    listener.zero_grad()
    listener.requires_grad_(False)
    loss, right = torch.tensor(figures[-max(1, steps // 10) :]).mean(0).tolist()
    return loss, right


def listening_distance(listener: Listener, output: Tensor, target: Tensor) -> Tensor:
    """How differently the listener hears two waveforms (B, 1, N). Scalar.

    Divergence of what it takes `output` for from what it takes `target` for, in nats a frame, and
    the mean over layers of the relative L1 distance between features.
    """
    with torch.autocast(output.device.type, enabled=False):
        with torch.no_grad():
            theirs = listener(target.float())
        ours = listener(output.float())
        features = [
            (a - b).abs().mean() / (b.abs().mean() + 1e-4)
            for a, b in zip(ours[:-1], theirs[:-1], strict=True)
        ]
        heard = F.kl_div(
            ours[-1].log_softmax(1), theirs[-1].log_softmax(1), reduction="none", log_target=True
        )
        return heard.sum(1).mean() + torch.stack(features).mean()
