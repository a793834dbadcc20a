"""Discriminators for the adversarial stage: multi-period and complex-STFT, LSGAN losses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from tokenizer.train.losses import drawn, hann
from tokenizer.train.recipe import Recipe

SLOPE = 0.1
# Magnitudes are raised to this power: the high frequencies of speech are so weak beside the low
# ones that without it the STFT discriminators are still at chance after hundreds of steps.
COMPRESSION = 0.3
SOFTNESS = 1e-5
PERIODS = (2, 3, 5, 7, 11)
# The longest tells the harmonics of a deep voice apart; in samples they grow with the rate.
WINDOWS_S = (0.016, 0.032, 0.064)


class PeriodDiscriminator(nn.Module):
    """Looks at every `period`-th sample: wav folded to (N / period, period), 2-D convolutions."""

    def __init__(self, period: int, width: int) -> None:
        super().__init__()
        self.period = period
        channels = [1, width, 4 * width, 8 * width, 8 * width]
        pairs = list(pairwise(channels))
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), (3, 1), (2, 0))) for a, b in pairs
        )
        self.head = weight_norm(nn.Conv2d(channels[-1], 1, (3, 1), 1, (1, 0)))

    def forward(self, wav: Tensor) -> list[Tensor]:
        """wav (B, 1, N) -> feature maps, the last of them the score map."""
        x = F.pad(wav, (0, -wav.shape[2] % self.period)).unflatten(2, (-1, self.period))
        maps = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            maps.append(x)
        return [*maps, self.head(x)]


class StftDiscriminator(nn.Module):
    """Looks at real and imaginary part of one STFT whose magnitudes are compressed."""

    def __init__(self, window: int, width: int) -> None:
        super().__init__()
        self.window = window
        dilations = (1, 2, 4)
        self.layers = nn.ModuleList(
            [weight_norm(nn.Conv2d(2, width, (3, 7), padding=(1, 3)))]
            + [
                weight_norm(
                    nn.Conv2d(width, width, (3, 7), (1, 2), padding=(d, 3), dilation=(d, 1))
                )
                for d in dilations
            ]
        )
        self.head = weight_norm(nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, wav: Tensor) -> list[Tensor]:
        """wav (B, 1, N) -> feature maps, the last of them the score map."""
        taper = hann(self.window).to(wav.device)
        spectrum = torch.stft(
            wav.squeeze(1).float(), self.window, self.window // 4, window=taper, return_complex=True
        )
        x = torch.view_as_real(spectrum).permute(0, 3, 2, 1) / self.window**0.5
        power = x.square().sum(1, keepdim=True)
        x = x * (power + SOFTNESS) ** ((COMPRESSION - 1) / 2)
        maps = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            maps.append(x)
        return [*maps, self.head(x)]


class Discriminators(nn.Module):
    """One of each period, and one of each STFT window; both in samples."""

    def __init__(self, periods: tuple[int, ...], windows: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(
            [
                *(PeriodDiscriminator(p, width) for p in periods),
                *(StftDiscriminator(w, width) for w in windows),
            ]
        )

    def forward(self, wav: Tensor, turn: Sequence[int] | None = None) -> list[list[Tensor]]:
        """wav (B, 1, N) -> feature maps of the members whose turn it is; None means all."""
        chosen = range(len(self.members)) if turn is None else turn
        return [self.members[i](wav) for i in chosen]


def discriminator_loss(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """LSGAN: real scores towards 1, fake ones towards 0; mean over members."""
    terms = [
        (1 - r[-1].float()).square().mean() + f[-1].float().square().mean()
        for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(terms).mean()


def generator_losses(real: list[list[Tensor]], fake: list[list[Tensor]]) -> tuple[Tensor, Tensor]:
    """(adversarial, feature matching): scores towards 1, relative L1 between feature maps."""
    score = torch.stack([(1 - f[-1].float()).square().mean() for f in fake]).mean()
    distances = [
        (a.float().detach() - b.float()).abs().mean() / (a.float().detach().abs().mean() + 1e-4)
        for r, f in zip(real, fake, strict=True)
        for a, b in zip(r[:-1], f[:-1], strict=True)
    ]
    return score, torch.stack(distances).mean()


class Adversary:
    """The discriminators with their optimizer."""

    def __init__(self, recipe: Recipe, accelerator: Accelerator, sample_rate: int) -> None:
        self.recipe, self.accelerator = recipe, accelerator
        self.samples = round(recipe.discriminator_s * sample_rate)
        windows = tuple(round(s * sample_rate) for s in WINDOWS_S)
        net = Discriminators(PERIODS, windows, recipe.discriminator_width)
        optimizer = torch.optim.AdamW(net.parameters(), recipe.discriminator_lr, betas=(0.8, 0.99))
        self.net, self.optimizer = accelerator.prepare(net, optimizer)

    def step(self, real: Tensor, fake: Tensor, step: int) -> tuple[Tensor, dict[str, float]]:
        """Update the discriminators whose turn it is, then have them judge `fake`.

        They see the same random piece of every item in `real` and `fake`: a period or a click is
        short, and what they cost grows with what they see. For the first `discriminator_warmup`
        steps they learn alone.

        Args:
            real, fake: (B, 1, N).
            step: of the run; decides about the piece and the turn.

        Returns:
            The generator's extra loss, and figures to tell.
        """
        recipe = self.recipe
        real, fake = crop((real, fake), self.samples, recipe.seed * 1_000_037 + step)
        turn = draw_members(recipe, len(PERIODS) + len(WINDOWS_S), step)
        with self.accelerator.autocast():
            loss = discriminator_loss(self.net(real, turn), self.net(fake.detach(), turn))
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.optimizer.step()
        figures = {"d": loss.item()}
        if step < recipe.discriminator_warmup:
            return fake.new_zeros(()), figures
        self.net.requires_grad_(False)
        with self.accelerator.autocast():
            score, features = generator_losses(self.net(real, turn), self.net(fake, turn))
        self.net.requires_grad_(True)
        extra = recipe.weight_adversarial * score + recipe.weight_features * features
        return extra, figures | {"adv": score.item(), "features": features.item()}


def draw_members(recipe: Recipe, total: int, step: int) -> list[int]:
    """Which of all discriminators a step has, a function of seed and step alone."""
    return drawn(total, recipe.discriminators_per_step, recipe.seed * 1_000_039 + step)


def crop(waves: tuple[Tensor, ...], num_samples: int, seed: int) -> tuple[Tensor, ...]:
    """The same `num_samples` (or all, where there are fewer) of every wave (B, 1, N) in `waves`.

    Where an item's piece begins is drawn for each item, from `seed` alone.
    """
    batch, _, total = waves[0].shape
    num_samples = min(num_samples, total)
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(0, total - num_samples + 1, (batch,), generator=generator).tolist()
    return tuple(
        torch.stack([x[:, s : s + num_samples] for x, s in zip(wave, starts, strict=True)])
        for wave in waves
    )
