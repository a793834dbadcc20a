"""A decoder of a model's own: `tokenizer.decoder`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tiny import tiny_codec
from tokenizer.codes import codec_fingerprint
from tokenizer.decoder import DECODER, save_decoder, use_decoder
from tokenizer.hub import CheckpointError
from tokenizer.model import CatTokenizer


def other_decoder(codec: CatTokenizer, seed: int) -> CatTokenizer:
    """A tokenizer with the codes of `codec` and a decoder of its own."""
    other = tiny_codec(seed)
    other.quantizer.load_state_dict(codec.quantizer.state_dict())
    return other.prepare()


def test_it_takes_the_place_of_the_decoder_and_leaves_the_codes(tmp_path: Path) -> None:
    codec = tiny_codec(0)
    trained = other_decoder(codec, 1)
    save_decoder(trained, tmp_path / DECODER, torch.float32)
    wav = 0.1 * torch.randn(1, 1, 9600, generator=torch.Generator().manual_seed(0))
    codes, fingerprint = codec.encode(wav), codec_fingerprint(codec)
    before = codec.decode(codes)

    assert use_decoder(codec, tmp_path / DECODER)

    assert torch.equal(codec.encode(wav), codes)
    assert codec_fingerprint(codec) == fingerprint
    assert torch.equal(codec.decode(codes), trained.decode(codes))
    assert not torch.equal(codec.decode(codes), before)
    assert not any(p.requires_grad for p in codec.parameters())


def test_the_decoder_of_another_tokenizer_is_left_alone(tmp_path: Path) -> None:
    codec = tiny_codec(0)
    save_decoder(tiny_codec(1), tmp_path / DECODER)
    before = {name: x.clone() for name, x in codec.state_dict().items()}

    assert not use_decoder(codec, tmp_path / DECODER)

    after = codec.state_dict()
    assert all(torch.equal(after[name], x) for name, x in before.items())


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    codec = tiny_codec(0)
    save_decoder(codec, tmp_path / DECODER)
    whole = (tmp_path / DECODER).read_bytes()
    (tmp_path / DECODER).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"decoder\.safetensors is damaged or cut short"):
        use_decoder(codec, tmp_path / DECODER)


def test_a_decoder_of_another_shape_is_reported(tmp_path: Path) -> None:
    codec = tiny_codec(0)
    trained = other_decoder(codec, 1)
    del trained.decoder[-1]
    del trained.decoder[-1]
    save_decoder(trained, tmp_path / DECODER)
    with pytest.raises(CheckpointError, match="tensors missing"):
        use_decoder(codec, tmp_path / DECODER)
