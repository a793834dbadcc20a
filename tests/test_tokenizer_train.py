"""Training of the tokenizer: losses, straight-through quantizer, codebook care, every stage."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
import torch

from tiny import SAMPLE_RATE, speech_like, tiny_codec, tiny_codec_config
from tokenizer.checkpoint import load_codec, save_codec
from tokenizer.decoder import DECODER, use_decoder
from tokenizer.model import CatTokenizer
from tokenizer.quantizer import Codebook, pointwise
from tokenizer.train.__main__ import main
from tokenizer.train.adversary import Discriminators, crop, discriminator_loss, generator_losses
from tokenizer.train.data import UNLABELLED, audio_files, label, pack, segments
from tokenizer.train.init import initialize
from tokenizer.train.loop import draw_codebooks, label_loss
from tokenizer.train.optim import make_optimizers
from tokenizer.train.quantize import CodebookKeeper, quantize, seed_codebooks
from tokenizer.train.recipe import Recipe
from tokenizer.train.run import learning_rate, plot_log


def corpus(folder, count=3):
    for i in range(count):
        soundfile.write(folder / f"clip{i}.wav", speech_like(2.0, seed=i), SAMPLE_RATE)
    return folder


def test_training_quantizer_gives_the_codes_of_the_real_one():
    codec = tiny_codec()
    latents = torch.randn(2, 6, 16)
    trained = quantize(codec.quantizer, latents, torch.tensor([4, 2]))
    codes = codec.quantizer.encode(latents)
    assert torch.equal(trained.codes, codes)
    whole = codec.quantizer.decode(codes)[0]
    prefix = codec.quantizer.decode(codes[:, :2])[1]
    assert torch.allclose(trained.latents[0], whole, atol=1e-5)
    assert torch.allclose(trained.latents[1], prefix, atol=1e-5)


def test_gradient_passes_straight_through():
    codec = tiny_codec()
    latents = torch.randn(1, 3, 16, requires_grad=True)
    quantize(codec.quantizer, latents, torch.tensor([4])).latents.sum().backward()
    assert latents.grad is not None
    assert latents.grad.abs().sum() > 0


def test_idle_entries_are_moved_to_the_data():
    codec = tiny_codec()
    keeper = CodebookKeeper(codec.quantizer, decay=0.0)
    latents = torch.randn(8, 40, 16)
    result = quantize(codec.quantizer, latents, torch.full((8,), 4))
    keeper.update(result.codes)
    idle = keeper.usage[0] == 0
    level = codec.quantizer.quantizers[0]
    assert isinstance(level, Codebook)
    before = level.codebook.weight.clone()
    assert keeper.revive(codec.quantizer, result.projected, 0.1) >= int(idle.sum())
    moved = before.ne(level.codebook.weight).any(dim=1)
    assert moved[idle].all()


def test_seeding_lowers_the_error():
    codec = tiny_codec()
    latents = torch.randn(1, 600, 16)

    def error() -> float:
        quantizer = codec.quantizer
        wanted = pointwise(quantizer.output_proj, pointwise(quantizer.input_proj, latents))
        return float((quantizer.decode(quantizer.encode(latents)) - wanted).square().mean())

    before = error()
    seed_codebooks(codec.quantizer, latents)
    assert error() < before


def test_discriminators_tell_real_from_fake_and_losses_point_the_right_way():
    torch.manual_seed(0)
    net = Discriminators(periods=(2, 3), windows=(256,))
    real, fake = torch.randn(2, 1, 4800), torch.zeros(2, 1, 4800)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    losses = []
    for _ in range(8):
        loss = discriminator_loss(net(real), net(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    score, features = generator_losses(net(real), net(fake))
    same_score, same_features = generator_losses(net(real), net(real))
    assert same_features == 0
    assert features > 0
    assert same_score < score


def test_discriminators_see_faint_high_frequencies_beside_a_loud_low_tone():
    torch.manual_seed(0)
    net = Discriminators(periods=(), windows=(256,))
    tone = 0.3 * torch.sin(2 * torch.pi * 200 / 16000 * torch.arange(4800.0)).expand(1, 1, -1)
    faint = 0.003 * torch.randn(1, 1, 4801).diff()
    with torch.no_grad():
        _, features = generator_losses(net(tone + faint), net(tone))
    assert features > 0.1


def test_crop_takes_the_same_piece_of_every_wave():
    first = torch.arange(40.0).reshape(2, 1, 20)
    pieces = crop((first, -first), 8, seed=1)
    assert [x.shape for x in pieces] == [(2, 1, 8)] * 2
    assert torch.equal(pieces[0], -pieces[1])
    assert torch.equal(pieces[0].diff(), torch.ones(2, 1, 7))
    starts = {tuple(crop((first,), 8, seed)[0][:, 0, 0].tolist()) for seed in range(20)}
    assert len(starts) > 10
    assert torch.equal(crop((first,), 99, seed=1)[0], first)


def test_segments_repeat_after_a_resume_and_stay_in_range(tmp_path):
    audio = pack(audio_files([corpus(tmp_path)]), SAMPLE_RATE, tmp_path / "cache")
    running = segments(audio, 2, 1920, seed=3)
    third = [next(running) for _ in range(3)][2][0]
    assert torch.equal(third, next(segments(audio, 2, 1920, seed=3, first_step=2))[0])
    assert third.abs().max() <= 1.0
    again = pack(audio_files([tmp_path]), SAMPLE_RATE, tmp_path / "cache")
    assert np.array_equal(audio.samples, again.samples)


def test_labels_follow_the_sound(tmp_path):
    """Each clip's label is loudness: a segment's labels must be those of its own samples."""
    step = SAMPLE_RATE // 100
    names = ("quiet", "loud", "unknown")
    for name, level in zip(names, (0.1, 0.8, 0.4), strict=True):
        soundfile.write(tmp_path / f"{name}.wav", np.full(SAMPLE_RATE, level), SAMPLE_RATE)
    table = tmp_path / "labels.npz"
    labels = np.repeat(np.array([3, 7], np.int16), 100)
    np.savez(table, ids=np.array(names[:2]), num_labels=np.array([100, 100]), labels=labels)
    files = audio_files([tmp_path])
    audio = label(pack(files, SAMPLE_RATE, tmp_path / "cache"), files, table)
    whole = audio.samples[: len(audio.samples) // step * step].reshape(-1, step)[:, step // 2]
    expected = np.select([whole < 0.2 * 32767, whole > 0.6 * 32767], [3, 7], UNLABELLED)
    assert audio.labels is not None
    assert np.array_equal(audio.labels[: len(expected)], expected)
    wav, own = next(segments(audio, 16, 20 * step, seed=0))
    ratio = wav[:, 0, step // 2 :: step] / wav[:, 0, :1]
    changes = (ratio[:, 1:] - ratio[:, :-1]).abs() > 0.05
    assert ((own[:, 1:] != own[:, :-1]) == changes).float().mean() > 0.95


def test_label_loss_ignores_what_is_not_labelled():
    logits = torch.zeros(1, 2, 6)
    logits[0, 0, 2] = logits[0, 1, 0] = 20.0
    labels = torch.tensor([[2, UNLABELLED, 1, UNLABELLED]])
    loss, accuracy = label_loss(logits, labels, 3)
    assert accuracy == 0.5
    assert loss == pytest.approx(10.0, abs=0.01)


def test_codebooks_are_drawn_as_the_recipe_says():
    plain = draw_codebooks(Recipe(), 4000, 8, step=3)
    assert torch.equal(plain, draw_codebooks(Recipe(), 4000, 8, step=3))
    assert set(plain.tolist()) == set(range(1, 9))
    assert (plain == 8).float().mean() == pytest.approx(0.5 + 0.5 / 8, abs=0.03)
    mostly_four = draw_codebooks(Recipe(usual_codebooks=4), 4000, 8, step=3)
    assert (mostly_four == 4).float().mean() == pytest.approx(0.6 + 0.4 * 0.5 / 8, abs=0.03)
    assert (mostly_four == 8).float().mean() == pytest.approx(0.4 * (0.5 + 0.5 / 8), abs=0.03)


def test_muon_takes_the_inner_matrices_and_learns():
    torch.manual_seed(0)
    codec = CatTokenizer(tiny_codec_config())
    initialize(codec)
    muon, adamw = make_optimizers(codec, "muon", 1e-3, 0.0)
    inner = {id(p) for group in muon.param_groups for p in group["params"]}
    names = {n for n, p in codec.named_parameters() if id(p) in inner}
    assert names
    assert all("layers" in n for n in names)
    total = sum(len(g["params"]) for o in (muon, adamw) for g in o.param_groups)
    assert total == len(list(codec.parameters()))
    wav = torch.from_numpy(speech_like(0.96))[None, None]
    losses = []
    for _ in range(4):
        loss = codec.decode_latents(codec.encode_latents(wav)[0])[0].square().mean()
        codec.zero_grad()
        loss.backward()
        muon.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_no_audio_is_a_clear_error(tmp_path):
    with pytest.raises(ValueError, match="no audio"):
        audio_files([tmp_path])


def test_learning_rate_warms_up_holds_and_falls():
    rates = [learning_rate(1.0, 10, step, spent) for step, spent in [(0, 0), (9, 0.1), (99, 0.4)]]
    assert rates == [0.1, 1.0, 1.0]
    assert learning_rate(1.0, 10, 999, 0.8) == pytest.approx(0.5)
    assert learning_rate(1.0, 10, 999, 1.0) == pytest.approx(0.02)


def test_every_stage_runs_resumes_and_leaves_a_loadable_tokenizer(tmp_path):
    """mel -> wave with frozen codes -> gan, through the command line."""
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    corpus(sounds)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(tiny_codec_config().to_dict()))
    common = ["--budget-minutes", "9", "--batch-size", "2", "--segment-s", "0.48"]
    common += ["--cache", str(tmp_path / "cache"), "--unquantized-steps", "2"]
    labels = tmp_path / "labels.npz"
    phonemes = np.arange(200, dtype=np.int16) // 20
    np.savez(labels, ids=np.array(["clip0"]), num_labels=np.array([200]), labels=phonemes)
    mel, wave, gan = (tmp_path / name for name in ("mel", "wave", "gan"))

    def stage(out, *options, steps):
        arguments = [str(sounds), "--out", str(out), "--max-steps", str(steps)]
        assert main([*arguments, *common, *options]) == 0
        return load_codec(out)

    stage(mel, "--config", str(config), "--labels", str(labels), steps=3)
    first = stage(mel, "--config", str(config), "--labels", str(labels), steps=5)
    frozen = ("--init", str(mel), "--freeze-encoder")
    second = stage(wave, *frozen, "--stage", "wave", steps=2)
    adversarial = ("--stage", "gan", "--discriminator-warmup", "1", "--freeze-encoder")
    third = stage(gan, "--init", str(wave), *adversarial, steps=3)
    wav = torch.from_numpy(speech_like(1.0))[None, None]
    assert torch.equal(first.encode(wav), second.encode(wav))
    assert torch.equal(first.encode(wav), third.encode(wav))
    codes = first.encode(wav)
    assert not torch.equal(first.decode(codes), second.decode(codes))
    assert not torch.equal(second.decode(codes), third.decode(codes))
    assert not (mel / DECODER).exists()
    assert use_decoder(first, wave / DECODER)
    # the file is in fp16
    assert torch.allclose(first.decode(codes), second.decode(codes), atol=2e-3)


def test_initialize_keeps_the_signal_at_unit_size():
    codec = CatTokenizer(tiny_codec_config())
    initialize(codec)
    latents, _ = codec.encode_latents(torch.from_numpy(speech_like(0.96))[None, None])
    assert 0.1 < latents.std() < 10


def test_curve_is_drawn(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(json.dumps({"step": i, "mel": 1 / (i + 1)}) for i in range(5)))
    plot_log(log, tmp_path / "curve.png", ("mel",))
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_saved_tokenizer_is_the_same(tmp_path):
    codec = tiny_codec()
    save_codec(codec, tmp_path)
    wav = torch.from_numpy(speech_like(1.0))[None, None]
    assert torch.equal(codec.encode(wav), load_codec(tmp_path).encode(wav))
