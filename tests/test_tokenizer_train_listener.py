"""The network that hears phonemes, and the distance it measures."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file

from tiny import SAMPLE_RATE, speech_like, tiny_codec
from tokenizer.checkpoint import save_codec
from tokenizer.train.__main__ import main
from tokenizer.train.data import PEAK, UNLABELLED, PackedAudio
from tokenizer.train.listener import Listener, listening_distance, train_listener

HZ = (300.0, 1200.0, 3000.0)


def tones(labels: np.ndarray, sample_rate: int = 16000) -> np.ndarray:
    """A tone of 100 ms for each label, with a little noise: float32."""
    time = np.arange(sample_rate // 10) / sample_rate
    wav = np.concatenate([0.2 * np.sin(2 * np.pi * HZ[i] * time) for i in labels])
    return (wav + np.random.default_rng(0).normal(0, 0.003, len(wav))).astype(np.float32)


@pytest.fixture(scope="module")
def listener() -> Listener:
    torch.manual_seed(0)
    order = np.random.default_rng(1).integers(0, len(HZ), 300)
    samples = (tones(order) * PEAK).astype(np.int16)
    labels = np.repeat(order, 10).astype(np.int16)
    labels[:200] = UNLABELLED
    audio = PackedAudio(samples, np.array([0]), 16000, labels=labels)
    net = Listener(len(HZ), 16000, width=16)
    loss, right = train_listener(net, audio, 60, seed=0)
    assert right > 0.8
    assert loss < 0.6
    return net


def test_listener_hears_speech_it_has_not_heard(listener):
    order = np.array([2, 0, 1, 1, 0, 2])
    logits = listener(torch.from_numpy(tones(order))[None, None])[-1]
    assert logits.shape == (1, len(HZ), 60)
    middles = logits[0].argmax(0)[5::10]
    assert middles.tolist() == order.tolist()


def test_another_phoneme_is_farther_than_another_level(listener):
    wav = torch.from_numpy(tones(np.array([0, 1, 2])))[None, None]
    other = torch.from_numpy(tones(np.array([0, 2, 2])))[None, None]
    assert listening_distance(listener, wav, wav) == 0
    quieter = listening_distance(listener, 0.8 * wav, wav)
    assert 0 < quieter < 0.3 * listening_distance(listener, other, wav)


def test_gradient_reaches_the_waveform_but_not_the_listener(listener):
    wav = torch.from_numpy(tones(np.array([0, 1])))[None, None]
    output = (0.1 * wav.flip(2)).requires_grad_(True)
    listening_distance(listener, output, wav).backward()
    assert output.grad is not None
    assert output.grad.isfinite().all()
    assert output.grad.abs().sum() > 0
    assert all(p.grad is None for p in listener.parameters())


def test_run_learns_to_hear_once_and_keeps_its_listener(tmp_path, capsys):
    for i in range(2):
        soundfile.write(tmp_path / f"clip{i}.wav", speech_like(3.0, seed=i), SAMPLE_RATE)
    labels, start, out = tmp_path / "labels.npz", tmp_path / "start", tmp_path / "out"
    phonemes = np.arange(300, dtype=np.int16) // 30
    np.savez(labels, ids=np.array(["clip0"]), num_labels=np.array([300]), labels=phonemes)
    save_codec(tiny_codec(), start)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        "stage = 'wave'\nbatch_size = 2\nsegment_s = 0.48\n"
        "weight_listening = 3.0\nlistener_steps = 2\n"
    )
    command = [str(tmp_path), "--out", str(out), "--init", str(start), "--recipe", str(recipe)]
    command += ["--budget-minutes", "9", "--labels", str(labels)]
    command += ["--cache", str(tmp_path / "cache")]
    heads = []
    for steps in (1, 2):
        assert main([*command, "--max-steps", str(steps)]) == 0
        weights = load_file(out / "state" / "model.safetensors")
        heads.append(weights["listener.head.weight"])
        assert ("listener:" in capsys.readouterr().out) == (steps == 1)
    assert torch.equal(heads[0], heads[1])
