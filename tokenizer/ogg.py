"""Ogg files that are the same for the same samples."""

from __future__ import annotations

import struct

_CRC_POLYNOMIAL = 0x04C11DB7
_PAGE_HEADER = 27
_SERIAL, _CHECKSUM, _SEGMENTS = slice(14, 18), slice(22, 26), 26


def fixed_serial(data: bytes) -> bytes:
    """An Ogg file with serial number 0 in place of the random one that encoders give it."""
    out = bytearray(data)
    first = 0
    while out.startswith(b"OggS", first):
        lengths = out[first + _PAGE_HEADER : first + _PAGE_HEADER + out[first + _SEGMENTS]]
        last = first + _PAGE_HEADER + len(lengths) + sum(lengths)
        page = out[first:last]
        page[_SERIAL] = page[_CHECKSUM] = bytes(4)
        page[_CHECKSUM] = struct.pack("<I", _checksum(page))
        out[first:last] = page
        first = last
    return bytes(out)


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (_CRC_POLYNOMIAL if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return table


_TABLE = _crc_table()


def _checksum(page: bytes | bytearray) -> int:
    """The checksum of RFC 3533: its own bytes count as 0."""
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ _TABLE[value >> 24 ^ byte]
    return value
