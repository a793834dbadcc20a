"""Codes of a few bits each as bytes, without a gap between them.

Frame after frame, coarsest codebook first within a frame, highest bit first. Four codebooks of
1024 entries at 25 frames a second are 125 bytes a second.
"""

from __future__ import annotations

import numpy as np


def code_bits(codebook_size: int) -> int:
    """Bits that a code of a codebook of this many entries needs, at least 1."""
    return max(1, (codebook_size - 1).bit_length())


def pack_codes(codes: np.ndarray, bits: int) -> np.ndarray:
    """Integers (K, T) in [0, 2**bits) -> uint8 (ceil(K * T * bits / 8),).

    Raises:
        ValueError: a code does not fit.
    """
    if codes.size and (codes.min() < 0 or codes.max() >= 1 << bits):
        raise ValueError(f"codes span {codes.min()}..{codes.max()}; {bits} bits hold less")
    shifts = np.arange(bits - 1, -1, -1)
    stream = (codes.T.reshape(-1, 1) >> shifts) & 1
    return np.packbits(stream.astype(np.uint8))


def unpack_codes(packed: np.ndarray, shape: tuple[int, int], bits: int) -> np.ndarray:
    """What `pack_codes` was given: uint8 (N,) -> int64 (K, T).

    Raises:
        ValueError: N is not what this shape takes.
    """
    books, frames = shape
    count = books * frames
    if books < 1 or frames < 1 or not 1 <= bits <= 31:
        raise ValueError(f"shape {books} x {frames} of {bits} bits is none of codes")
    if packed.shape != (-(-count * bits // 8),):
        raise ValueError(f"{packed.size} bytes do not hold {books} x {frames} codes of {bits} bits")
    stream = np.unpackbits(packed)[: count * bits].reshape(count, bits)
    weights = 1 << np.arange(bits - 1, -1, -1, dtype=np.int64)
    return np.ascontiguousarray((stream @ weights).reshape(frames, books).T)
