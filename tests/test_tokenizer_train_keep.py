"""Finer codebooks for a tokenizer whose coarse ones a language model knows already."""

from __future__ import annotations

import json

import pytest
import soundfile
import torch

from tiny import SAMPLE_RATE, speech_like, tiny_codec
from tokenizer.checkpoint import load_codec, save_codec
from tokenizer.quantizer import pointwise
from tokenizer.train.__main__ import main
from tokenizer.train.keep import add_codebooks, drift
from tokenizer.train.quantize import CodebookKeeper, quantize
from tokenizer.train.recipe import Recipe


def test_new_codebooks_leave_the_old_codes_alone_and_lower_the_error():
    codec = tiny_codec()
    latents = torch.randn(4, 200, 16)
    before = codec.quantizer.encode(latents)
    add_codebooks(codec, 6, latents)
    after = codec.quantizer.encode(latents)
    assert codec.num_codebooks == 6
    assert torch.equal(after[:, :4], before)
    wanted = pointwise(codec.quantizer.input_proj, latents)
    left = []
    for count in (4, 5, 6):
        residual = wanted.clone()
        for level, codes in zip(
            codec.quantizer.quantizers, after[:, :count].unbind(1), strict=False
        ):
            residual = residual - level.lookup(codes)  # type: ignore[operator]
        left.append(float(residual.square().mean()))
    assert left[0] > left[1] > left[2]


def test_drift_is_what_the_kept_codebooks_see():
    codec = tiny_codec()
    quantizer = codec.quantizer
    reference = torch.randn(1, 50, 16)
    assert drift(quantizer, reference, reference, 2) == 0
    seen = torch.cat([level.in_proj.weight.squeeze(-1) for level in quantizer.quantizers[:2]])  # type: ignore[union-attr, operator]
    seen = seen @ quantizer.input_proj.weight.squeeze(-1)  # type: ignore[union-attr, operator]
    rows = torch.linalg.svd(seen).Vh
    unseen, visible = rows[-1], rows[0]
    assert drift(quantizer, reference + unseen, reference, 2) < 1e-9
    assert drift(quantizer, reference + visible, reference, 2) > 0.01


def test_kept_codebooks_give_the_same_codes_and_no_gradient():
    codec = tiny_codec().requires_grad_(True)
    latents = torch.randn(2, 6, 16, requires_grad=True)
    count = torch.tensor([4, 2])
    plain = quantize(codec.quantizer, latents, count)
    kept = quantize(codec.quantizer, latents, count, kept=2)
    assert torch.equal(plain.codes, kept.codes)
    assert torch.allclose(plain.latents, kept.latents, atol=1e-6)
    kept.latents.sum().backward()
    assert latents.grad is not None
    assert latents.grad[0].abs().sum() > 0
    assert latents.grad[1].abs().sum() == 0


def test_kept_codebooks_are_not_revived():
    codec = tiny_codec()
    keeper = CodebookKeeper(codec.quantizer, decay=0.0, kept=3)
    result = quantize(codec.quantizer, torch.randn(2, 9, 16), torch.full((2,), 4))
    keeper.update(result.codes)
    before = [level.codebook.weight.clone() for level in codec.quantizer.quantizers]  # type: ignore[union-attr, operator]
    keeper.revive(codec.quantizer, result.projected, 0.1)
    after = [level.codebook.weight for level in codec.quantizer.quantizers]  # type: ignore[union-attr]
    assert [torch.equal(a, b) for a, b in zip(before, after, strict=True)] == [True] * 3 + [False]  # type: ignore[arg-type]


def test_frozen_encoder_and_new_codebooks_contradict():
    with pytest.raises(ValueError, match=r"codebooks is 16.*--freeze-encoder"):
        Recipe(freeze_encoder=True, codebooks=16)


def test_run_keeps_the_first_codebooks_learns_the_others_and_resumes(tmp_path):
    for i in range(3):
        soundfile.write(tmp_path / f"clip{i}.wav", speech_like(2.0, seed=i), SAMPLE_RATE)
    start, out = tmp_path / "start", tmp_path / "out"
    save_codec(tiny_codec(), start)
    command = [str(tmp_path), "--out", str(out), "--init", str(start), "--stage", "wave"]
    command += ["--budget-minutes", "9", "--batch-size", "2", "--segment-s", "0.48"]
    command += ["--codebooks", "6", "--keep-codebooks", "2", "--weight-phase", "1"]
    command += ["--weight-envelope", "1", "--cache", str(tmp_path / "cache")]
    for steps in (2, 3):
        assert main([*command, "--max-steps", str(steps)]) == 0
    first, last = load_codec(start), load_codec(out)
    assert last.num_codebooks == 6
    assert json.loads((out / "config.json").read_text())["quantizer_kwargs"]["num_quantizers"] == 6
    names = [n for n, p in first.named_parameters() if not torch.equal(p, last.get_parameter(n))]
    kept = ("input_proj", "output_proj", "quantizers.0", "quantizers.1")
    assert not [n for n in names if n.startswith(tuple(f"quantizer.{part}" for part in kept))]
    for part in ("encoder.", "decoder.", "quantizer.quantizers.2"):
        assert [n for n in names if n.startswith(part)]
