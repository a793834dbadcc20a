"""Codes without a gap between them, and what a key says of sampling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tokenizer.codes import CodesError, codes_bytes, load_codes, read_codes, save_codes
from tokenizer.packing import code_bits, pack_codes, unpack_codes
from tts.batch.plan import Settings, make_items
from tts.batch.rows import Row
from tts.batch.sources import Digests
from tts.model.config import EMBEDDED_SAMPLING

EMBEDDED = Path(__file__).parents[1] / "tts" / "pretrained"


@pytest.mark.parametrize(
    ("size", "shape"), [(1024, (4, 25)), (1024, (3, 7)), (2, (1, 1)), (9, (5, 3))]
)
def test_packed_codes_come_back(size, shape):
    codes = np.random.default_rng(1).integers(size, size=shape)
    packed = pack_codes(codes, code_bits(size))
    assert len(packed) == -(-codes.size * code_bits(size) // 8)
    assert (unpack_codes(packed, shape, code_bits(size)) == codes).all()


def test_order_of_bits_and_size_of_a_second():
    # 1 and 512 in ten bits each: 0000000001 1000000000
    assert pack_codes(np.array([[1], [512]]), 10).tolist() == [0b00000000, 0b01100000, 0b00000000]
    assert len(pack_codes(np.zeros((4, 25), np.int64), 10)) == 125
    with pytest.raises(ValueError, match="10 bits hold less"):
        pack_codes(np.array([[1024]]), 10)


def test_packed_file_is_read_and_damage_is_told(tmp_path):
    codes = torch.randint(1024, (4, 25))
    path = tmp_path / "a.safetensors"
    path.write_bytes(codes_bytes(codes, {"transcript": "ä"}, 10))
    assert torch.equal(read_codes(path), codes)
    assert load_codes(path).metadata == {"transcript": "ä"}
    path.write_bytes(codes_bytes(codes, {}, 10).replace(b'"4 25"', b'"4 26"'))
    with pytest.raises(CodesError, match="damaged"):
        load_codes(path)


def test_saved_codes_have_their_metadata_in_order(tmp_path):
    codes, words = torch.randint(1024, (4, 25)), {name: name for name in "qwertyuiop"}
    for name, said in (("a", words), ("b", dict(reversed(words.items())))):
        save_codes(tmp_path / f"{name}.safetensors", codes, said)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_key_names_the_sampling_that_is_used(tmp_path):
    own = Settings("m", "c", sampling=EMBEDDED_SAMPLING)
    assert own.sampling == EMBEDDED_SAMPLING
    warmer = replace(own.sampling, audio=replace(own.sampling.audio, temperature=0.9))

    def key(settings: Settings, **asked: float) -> str:
        row = Row(1, "a", "Yes.", sampling=tuple(sorted(asked.items())))
        return make_items([row], settings, Digests(tmp_path / "d.json"))[0][0].key

    assert key(own) != key(replace(own, sampling=warmer))
    assert key(own, temperature=0.9) == key(replace(own, sampling=warmer))
