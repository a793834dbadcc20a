"""The losses of the tokenizer's training: what each hears, and where it leads."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tiny import SAMPLE_RATE, speech_like, tiny_codec
from tokenizer.train.losses import (
    low_band,
    low_band_distance,
    low_band_size,
    patch_log_mel,
    phase_distance,
    spectral_distances,
)
from tokenizer.train.recipe import Recipe
from tokenizer.train.trainee import Trainee


def descend(
    distance: Callable[[Tensor], Tensor], output: Tensor, rate: float, steps: int
) -> list[float]:
    """The distances while Adam changes the samples of `output`."""
    output = output.clone().requires_grad_()
    optimizer = torch.optim.Adam([output], rate)
    distances = []
    for _ in range(steps):
        loss = distance(output)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        distances.append(loss.item())
    return distances


def test_losses_are_zero_for_equal_sounds_and_grow_with_noise():
    clean = torch.from_numpy(speech_like(0.5))[None, None]
    noise = torch.randn_like(clean)
    degraded = (clean, clean + 0.001 * noise, clean + 0.1 * noise)
    rows = [spectral_distances(x, clean, (64, 256, 1024), SAMPLE_RATE) for x in degraded]
    for none, small, large in zip(*rows, strict=True):
        assert none == 0
        assert 0 < small < large


def test_phase_distance_tells_apart_what_a_magnitude_cannot():
    time, harmonic = torch.arange(16000) / 16000, torch.arange(1, 9)[:, None]
    turns = 2 * torch.pi * 140 * harmonic * time
    target, dispersed = (
        0.1 * (torch.sin(turns + shift) / harmonic).sum(0) for shift in (0, harmonic**2)
    )
    outputs = torch.stack([target, 0.3 * target, dispersed, target.roll(57)])[:, None]
    distances = phase_distance(outputs, target.expand_as(outputs), 16000).tolist()
    assert max(distances[:2]) < 0.01
    assert min(distances[2:]) > 0.5


def test_phase_distance_leads_to_the_wave():
    torch.manual_seed(0)
    target = 0.1 * torch.randn(1, 1, 4000)
    output = 0.1 * torch.randn(1, 1, 4000)
    distances = descend(lambda x: phase_distance(x, target, 16000).mean(), output, 1e-2, 60)
    assert distances[0] > 0.8
    assert distances[-1] < 0.3


def test_patch_mel_has_one_row_a_patch_and_stands_on_its_patch():
    wav = torch.zeros(1, 1, 2400)
    wav[..., 1200:1440] = torch.randn(240)
    mel = patch_log_mel(wav, 240, SAMPLE_RATE, ((256, 20), (512, 30)))
    assert mel.shape == (1, 10, 50)
    assert mel[0, :, :20].mean(dim=1).argmax() == 5


def harmonics(shift: Tensor | int = 0, pitch: float = 140.0) -> Tensor:
    """(1, 1, 24000): eight harmonics whose phases are shifted."""
    time, harmonic = torch.arange(24000) / 24000, torch.arange(1, 9)[:, None]
    turns = 2 * torch.pi * pitch * harmonic * time
    return 0.1 * (torch.sin(turns + shift) / harmonic).sum(0)[None, None]


def test_low_band_tells_phases_apart_that_a_mel_cannot():
    harmonic = torch.arange(1, 9)[:, None]
    target, dispersed = harmonics(), harmonics(harmonic**2)
    specs = ((768, 64),)
    mels = [patch_log_mel(x, 240, SAMPLE_RATE, specs) for x in (target, dispersed)]
    assert (mels[0] - mels[1]).abs().mean() < 0.1
    wanted = low_band(target, 240, SAMPLE_RATE)
    assert wanted.shape == (1, 100, low_band_size(SAMPLE_RATE))
    equal, nothing, near, far = (
        float(low_band_distance(x, wanted))
        for x in (
            wanted,
            torch.zeros_like(wanted),
            low_band(harmonics(0.1 * harmonic), 240, SAMPLE_RATE),
            low_band(dispersed, 240, SAMPLE_RATE),
        )
    )
    assert equal == 0
    assert abs(nothing - 1) < 0.01
    assert 0 < near < 0.5 < 1 < far


def test_low_band_distance_is_of_each_item_beside_the_whole_batch():
    loud, soft = (
        low_band(harmonics(), 240, SAMPLE_RATE),
        low_band(0.1 * harmonics(pitch=180), 240, SAMPLE_RATE),
    )
    wanted = torch.cat([loud, soft])
    silent = low_band_distance(torch.zeros_like(wanted), wanted)
    assert silent.shape == (2,)
    assert abs(float(silent.mean()) - 1) < 0.01
    assert silent[1] < 0.3 * silent[0]  # a soft item counts for less


def test_low_band_stands_on_its_patch_and_hears_the_low_half_only():
    wav = torch.zeros(1, 1, 2400)
    wav[..., 1200:1440] = torch.randn(240)
    assert low_band(wav, 240, SAMPLE_RATE)[0].abs().mean(1).argmax() == 5
    time = torch.arange(4800) / SAMPLE_RATE
    low, high = (0.1 * torch.sin(2 * torch.pi * f * time)[None, None] for f in (500, 4000))
    inside, outside = (low_band(x, 240, SAMPLE_RATE)[0, 5:15].square().mean() for x in (low, high))
    assert inside > 20 * outside


def test_phases_are_asked_only_of_items_with_enough_codebooks():
    torch.manual_seed(0)
    codec = tiny_codec()
    wav = torch.from_numpy(speech_like(0.96))[None, None].expand(2, -1, -1)
    labels = torch.zeros(2, 0, dtype=torch.int64)
    for stage in ("mel", "wave"):
        losses = {}
        for weight in (0.0, 2.0):
            torch.manual_seed(0)
            trainee = Trainee(codec, Recipe(stage=stage, weight_phase=weight, phase_above=2))
            for count in (2, 4):
                used = torch.tensor([count, count])
                losses[weight, count] = trainee(wav, labels, used, (64, 256))["loss"].item()
        assert losses[2.0, 2] == losses[0.0, 2], stage
        assert losses[2.0, 4] > losses[0.0, 4], stage
