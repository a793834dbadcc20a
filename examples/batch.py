"""Many texts at once, one file each: python examples/batch.py lines.txt spoken

The same as `cat-tts batch`, which can be stopped and started again; see docs/batch.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tts.__main__ import main as cat_tts


def main(lines: str, folder: str) -> dict[str, int]:
    code = cat_tts(["batch", lines, "-o", folder, "--format", "flac", "--quiet"])
    if code not in (0, 3):
        raise SystemExit(code)
    summary = json.loads(Path(folder, "summary.json").read_text(encoding="utf-8"))
    return {name: summary[name] for name in ("done", "failed", "left")}


if __name__ == "__main__":
    print(main(*sys.argv[1:3]))
