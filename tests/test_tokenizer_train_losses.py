"""The losses of the tokenizer's training: what each hears, and where it leads."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tiny import SAMPLE_RATE, speech_like, tiny_codec
from tokenizer.train.loop import Trainee
from tokenizer.train.losses import (
    envelope_distance,
    modulation_distance,
    patch_log_mel,
    phase_distance,
    repetition_distance,
    spectral_distances,
)
from tokenizer.train.recipe import Recipe


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


def test_repetition_distance_hears_a_buzz_that_the_target_lacks():
    torch.manual_seed(0)
    noise, other = 0.05 * torch.randn(2, 2, 1, 16000)
    every_patch, every_second = (noise[:, :, :n].repeat(1, 1, 16000 // n) for n in (160, 320))
    none, chance, half, whole = (
        float(repetition_distance(x, noise, 160, 16000))
        for x in (noise, other, every_second, every_patch)
    )
    assert none == 0
    assert chance < 0.2 < 1 < half < whole
    silence = torch.zeros_like(noise)
    assert repetition_distance(every_patch, silence, 160, 16000) == 0


def test_repetition_distance_leads_away_from_a_buzz():
    torch.manual_seed(0)
    target = 0.05 * torch.randn(1, 1, 8000)
    output = (0.05 * torch.randn(1, 1, 160)).repeat(1, 1, 50)
    distances = descend(lambda x: repetition_distance(x, target, 160, 16000), output, 3e-3, 30)
    assert distances[-1] < 0.5 * distances[0]


def clicks(period: int, first: int) -> torch.Tensor:
    wav = torch.zeros(1, 1, 16000)
    wav[:, :, first::period] = 0.5
    return wav


def test_modulation_distance_hears_pulses_wherever_they_stand():
    torch.manual_seed(0)
    target = clicks(160, 0)
    noise = target.std() * torch.randn(1, 1, 16000)
    none, moved, other_pitch, hoarse = (
        float(modulation_distance(x, target, 16000))
        for x in (target, clicks(160, 71), clicks(128, 0), noise)
    )
    assert none == 0
    assert moved < 0.02 < 0.1 < min(other_pitch, hoarse)
    assert modulation_distance(noise, torch.zeros_like(target), 16000) == 0


def test_modulation_distance_leads_from_noise_to_pulses():
    torch.manual_seed(0)
    target = clicks(160, 0)
    output = target.std() * torch.randn(1, 1, 16000)
    distances = descend(lambda x: modulation_distance(x, target, 16000), output, 3e-3, 60)
    assert distances[-1] < 0.5 * distances[0]


def pulsating(rate_hz: float) -> torch.Tensor:
    time = torch.arange(32000) / 16000
    return (torch.sin(2 * torch.pi * rate_hz * time) + 1) * 0.05 * torch.randn(1, 1, 32000)


def test_envelope_distance_follows_levels_and_nothing_else():
    torch.manual_seed(0)
    target = pulsating(4)
    none, quieter, other_noise, other_rate, level = (
        float(envelope_distance(x, target, 16000))
        for x in (target, 0.3 * target, pulsating(4), pulsating(7), torch.randn(1, 1, 32000))
    )
    assert max(none, quieter) < 0.01
    assert other_noise < 0.5 < 0.8 < min(other_rate, level)
    assert envelope_distance(target, torch.zeros_like(target), 16000) == 0


def test_envelope_distance_leads_to_the_levels():
    torch.manual_seed(0)
    target = pulsating(4)
    output = 0.05 * torch.randn(1, 1, 32000)
    distances = descend(lambda x: envelope_distance(x, target, 16000), output, 3e-3, 40)
    assert distances[-1] < 0.5 * distances[0]


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


def test_weight_of_the_envelopes_reaches_the_loss():
    codec = tiny_codec()
    wav = torch.from_numpy(speech_like(0.96))[None, None]
    result = {}
    for weight in (0.0, 2.0):
        trainee = Trainee(codec, Recipe(stage="wave", weight_envelope=weight))
        result[weight] = trainee(wav, torch.zeros(0), torch.tensor([4]), (64, 256))
    added = result[2.0]["loss"] - result[0.0]["loss"]
    assert torch.isclose(added, 2 * result[2.0]["envelope"], atol=1e-4)
    assert added > 0
