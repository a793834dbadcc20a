"""Training of the tokenizer: losses, straight-through quantizer, codebook care, every stage."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from accelerate import Accelerator

from tiny import SAMPLE_RATE, speech_like, tiny_codec, tiny_codec_config
from tokenizer.checkpoint import load_codec, save_codec
from tokenizer.model import CatTokenizer
from tokenizer.quantizer import Codebook, pointwise
from tokenizer.train.__main__ import main
from tokenizer.train.adversary import (
    Adversary,
    Discriminators,
    crop,
    discriminator_loss,
    draw_members,
    generator_losses,
)
from tokenizer.train.data import UNLABELLED
from tokenizer.train.init import initialize, take_decoder
from tokenizer.train.insert import insert_codebooks
from tokenizer.train.loop import draw_codebooks
from tokenizer.train.optim import make_optimizer, set_rate
from tokenizer.train.quantize import CodebookKeeper, quantize, seed_codebooks
from tokenizer.train.recipe import Recipe
from tokenizer.train.run import Average, learning_rate
from tokenizer.train.trainee import label_loss


def corpus(folder, count=3):
    folder.mkdir(exist_ok=True)
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
    keeper.usage[:, :3] = 0  # some always are
    idle = keeper.usage[0] == 0
    level = codec.quantizer.quantizers[0]
    assert isinstance(level, Codebook)
    before = level.codebook.weight.clone()
    assert keeper.revive(codec.quantizer, result.projected, 0.1) >= int(idle.sum())
    moved = before.ne(level.codebook.weight).any(dim=1)
    assert moved[idle].all()
    keeper.usage[:, :3] = 0
    kept = [v.clone() for v in codec.quantizer.state_dict().values()]
    assert keeper.revive(codec.quantizer, result.projected, 0.1, slice(3, 4)) >= 3
    changed = [
        k
        for (k, v), old in zip(codec.quantizer.state_dict().items(), kept, strict=True)
        if not torch.equal(v, old)
    ]
    assert changed == ["quantizers.3.codebook.weight"]


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
    net = Discriminators(periods=(2, 3), windows=(256,), width=16)
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
    net = Discriminators(periods=(), windows=(256,), width=16)
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


def test_learning_rate_warms_up_holds_and_falls():
    told = Recipe(learning_rate=1.0, warmup_steps=10)
    rates = [learning_rate(told, step, spent) for step, spent in [(0, 0), (9, 0.1), (99, 0.4)]]
    assert rates == [0.1, 1.0, 1.0]
    assert learning_rate(told, 999, 0.8) == pytest.approx(0.5)
    assert learning_rate(told, 999, 1.0) == pytest.approx(0.02)


def test_every_stage_runs_resumes_and_leaves_a_loadable_tokenizer(tmp_path):
    """mel -> wave with frozen codes -> gan, through the command line."""
    sounds = corpus(tmp_path / "sounds")
    config = tmp_path / "config.json"
    config.write_text(json.dumps(tiny_codec_config().to_dict()))
    common = ["--budget-minutes", "9", "--cache", str(tmp_path / "cache")]
    labels = tmp_path / "labels.npz"
    phonemes = np.arange(200, dtype=np.int16) // 20
    np.savez(labels, ids=np.array(["clip0"]), num_labels=np.array([200]), labels=phonemes)
    mel, wave, gan = (tmp_path / name for name in ("mel", "wave", "gan"))

    def stage(out, settings, *options, steps):
        recipe = tmp_path / f"{out.name}.toml"
        recipe.write_text(f"stage = '{out.name}'\nbatch_size = 2\nsegment_s = 0.48\n{settings}")
        arguments = [str(sounds), "--out", str(out), "--max-steps", str(steps)]
        assert main([*arguments, *common, "--recipe", str(recipe), *options]) == 0
        return load_codec(out)

    new = ("--config", str(config), "--labels", str(labels))
    quick = "unquantized_steps = 2\nnoise_share = 0.5\nweight_phase = 1.0\nshares = {sounds = 1}\n"
    stage(mel, quick, *new, steps=3)
    first = stage(mel, quick, *new, steps=5)
    second = stage(wave, "freeze_encoder = true\n", "--init", str(mel), steps=2)
    adversarial = "discriminator_warmup = 1\ndiscriminators_per_step = 3\nfreeze_encoder = true\n"
    third = stage(gan, adversarial, "--init", str(mel), "--decoder", str(wave), steps=3)
    wav = torch.from_numpy(speech_like(1.0))[None, None]
    assert torch.equal(first.encode(wav), second.encode(wav))
    assert torch.equal(first.encode(wav), third.encode(wav))
    codes = first.encode(wav)
    assert not torch.equal(first.decode(codes), second.decode(codes))
    assert not torch.equal(second.decode(codes), third.decode(codes))
    take_decoder(first, second)
    assert torch.equal(first.decode(codes), second.decode(codes))
    config = tiny_codec_config()
    wide = replace(config.decoder_kwargs[0], dim_feedforward=24)
    config = replace(config, decoder_kwargs=(wide, *config.decoder_kwargs[1:]))
    with pytest.raises(ValueError, match="another shape"):
        take_decoder(first, CatTokenizer(config))


def test_the_discriminators_whose_turn_it_is_learn_and_judge():
    recipe = Recipe(
        stage="gan", discriminator_s=0.1, discriminator_warmup=1, discriminators_per_step=3
    )
    adversary = Adversary(recipe, Accelerator(cpu=True), 8000)
    real = torch.from_numpy(speech_like(0.3, 8000))[None, None]
    seen = set()
    for step in range(8):
        before = [p.detach().clone() for p in adversary.net.parameters()]
        fake = (0.5 * real).requires_grad_()
        loss, figures = adversary.step(real, fake, step)
        learned = {
            name.split(".")[1]
            for (name, new), old in zip(adversary.net.named_parameters(), before, strict=True)
            if not torch.equal(new, old)
        }
        assert learned == {str(i) for i in draw_members(recipe, 8, step)}
        assert len(learned) == 3
        assert loss.requires_grad == (step > 0) == ("adv" in figures)
        seen |= learned
    assert len(seen) == 8
    with pytest.raises(ValueError, match="discriminators_per_step is 0"):
        Recipe(discriminators_per_step=0)


def test_inserted_codebooks_leave_those_before_them_and_the_decoder_as_they_were(tmp_path):
    sounds, start, out = corpus(tmp_path / "sounds"), tmp_path / "start", tmp_path / "out"
    old = tiny_codec()
    save_codec(old, start)
    recipe = tmp_path / "codes.toml"
    recipe.write_text(
        "stage = 'mel'\ninserted_codebooks = 1\ninserted_after = 2\nusual_codebooks = 3\n"
        "batch_size = 2\nsegment_s = 0.48\nunquantized_steps = 0\nrevive_every = 1\n"
    )
    common = [str(sounds), "--recipe", str(recipe), "--init", str(start), "--out", str(out)]
    for steps in (2, 4):
        assert main([*common, "--budget-minutes", "9", "--max-steps", str(steps)]) == 0
    new = load_codec(out)
    assert new.num_codebooks == old.num_codebooks == 4
    wav = torch.from_numpy(speech_like(0.96))[None, None]
    assert torch.equal(new.encode(wav, 2), old.encode(wav, 2))
    levels = zip(new.quantizer.quantizers, (0, 1, None, 2), strict=True)
    for level, before in levels:
        if before is not None:
            kept = old.quantizer.quantizers[before].state_dict()
            assert all(torch.equal(v, kept[k]) for k, v in level.state_dict().items())
    for a, b in zip(new.decoder.parameters(), old.decoder.parameters(), strict=True):
        assert torch.equal(a, b)
    latents, _ = old.encode_latents(wav)
    missed = [
        (codec.quantizer.decode(codec.quantizer.encode(latents, n)) - latents).norm()
        for codec, n in ((old, 2), (new, 3))
    ]
    assert missed[1] < missed[0]


def test_codebooks_that_cannot_be_inserted_are_named():
    codec = tiny_codec()
    with pytest.raises(ValueError, match="3 new codebooks after 2 of 4"):
        insert_codebooks(codec.quantizer, 2, 3, torch.randn(1, 40, 16))
    with pytest.raises(ValueError, match="stage 'mel'"):
        Recipe(stage="gan", inserted_codebooks=1, inserted_after=2)


def test_the_running_mean_is_what_is_written():
    model = torch.nn.Linear(1, 1)
    mean, plain = Average(model, 0.75), Average(model, 0.0)
    for value in (4.0, 8.0):  # the first one is taken as it is
        model.weight.data.fill_(value)
        mean.update()
        plain.update()
    assert mean.model.weight.item() == pytest.approx(0.75 * 4 + 0.25 * 8)
    assert plain.model.weight.item() == 8
    another = torch.nn.Linear(1, 1)
    again = Average(another, 0.75)
    again.load_state_dict(mean.state_dict())
    for latest in (model, another):
        latest.weight.data.fill_(1.0)
    for running in (mean, again):
        running.update()
    assert torch.equal(again.model.weight, mean.model.weight)


@pytest.mark.parametrize("settings", ["", "freeze_encoder = true\naverage = 0.5\n"])
def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(tmp_path, settings):
    """Three steps and two more leave the state of five; the network itself is compared closely."""
    sounds = corpus(tmp_path / "sounds")
    recipe = tmp_path / "wave.toml"
    usual = "stage = 'wave'\nbatch_size = 2\nsegment_s = 0.48\ndropout = 0.0\n"
    recipe.write_text(usual + settings)
    start = tmp_path / "start"
    save_codec(tiny_codec(), start)
    common = [str(sounds), "--recipe", str(recipe), "--init", str(start), "--budget-minutes", "9"]
    for out, stops in (("whole", (5,)), ("parts", (3, 5))):
        for steps in stops:
            folder = ["--out", str(tmp_path / out), "--max-steps", str(steps)]
            assert main([*common, *folder]) == 0
    whole, parts = (load_codec(tmp_path / out) for out in ("whole", "parts"))
    for (name, a), b in zip(whole.named_parameters(), parts.parameters(), strict=True):
        if not name.startswith("quantizer"):  # idle entries move to random places
            assert torch.allclose(a, b, atol=1e-4), name


def test_what_the_command_cannot_do_is_said_in_a_line(tmp_path, capsys):
    sounds = corpus(tmp_path / "sounds")
    save_codec(tiny_codec(), tmp_path / "start")
    recipe = tmp_path / "r.toml"
    command = [str(sounds), "--out", str(tmp_path / "out"), "--recipe", str(recipe)]
    command += ["--init", str(tmp_path / "start"), "--budget-minutes", "1"]
    small = "stage = 'wave'\nsegment_s = 0.48\nbatch_size = 2\n"
    for text, message in (
        (None, "r.toml"),
        (small + "lr = 1\n", "unknown key lr"),
        (small + "weight_listening = 2.0\n", "weight_listening needs labels"),
        (small + "shares = {rain = 0.5}\n", "no folder rain among sounds"),
        (small.replace("0.48", "60.0"), "shorter than one segment"),
    ):
        if text:
            recipe.write_text(text)
        assert main(command) == 2
        assert message in capsys.readouterr().err
    recipe.write_text(small + "usual_codebooks = 5\n")
    assert main(command) == 2
    assert "usual_codebooks is 5; this tokenizer has 4" in capsys.readouterr().err


def test_initialize_keeps_the_signal_at_unit_size():
    codec = CatTokenizer(tiny_codec_config())
    initialize(codec)
    latents, _ = codec.encode_latents(torch.from_numpy(speech_like(0.96))[None, None])
    assert 0.1 < latents.std() < 10


def test_saved_tokenizer_is_the_same(tmp_path):
    codec = tiny_codec()
    save_codec(codec, tmp_path)
    wav = torch.from_numpy(speech_like(1.0))[None, None]
    assert torch.equal(codec.encode(wav), load_codec(tmp_path).encode(wav))


def test_the_optimizer_has_what_learns_and_nothing_else():
    codec = CatTokenizer(tiny_codec_config())
    codec.encoder.requires_grad_(False)
    optimizer = make_optimizer(codec, 1e-3, 0.0)
    theirs = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert theirs == {id(p) for p in codec.parameters() if p.requires_grad}
    set_rate(optimizer, 0.5)
    assert {group["lr"] for group in optimizer.param_groups} == {0.5}
