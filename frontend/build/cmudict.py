"""Make `data/cmudict.txt.gz` from the CMU pronouncing dictionary (BSD, data/LICENSE.cmudict).

    python -m frontend.build.cmudict PATH/TO/cmudict.dict

Keeps the first pronunciation of each word made of letters, apostrophes and hyphens.
"""

import gzip
import re
import sys
from pathlib import Path

from frontend.symbols import ARPABET

_ENTRY = re.compile(r"([a-z][a-z'\-]*|'[a-z]+) ([A-Z0-9 ]+?)\s*(?:#.*)?")


def build(source: Path, target: Path) -> int:
    """Write the compressed word list; return its number of entries."""
    known = set(ARPABET)
    lines: list[str] = []
    for line in source.read_text(encoding="utf-8").splitlines():
        match = _ENTRY.fullmatch(line)
        if match and known.issuperset(match[2].split()):
            lines.append(f"{match[1]} {match[2]}\n")
    # mtime=0 keeps the file identical from build to build.
    target.write_bytes(gzip.compress("".join(sorted(lines)).encode(), compresslevel=9, mtime=0))
    return len(lines)


if __name__ == "__main__":
    destination = Path(__file__).parents[1] / "data" / "cmudict.txt.gz"
    print(build(Path(sys.argv[1]), destination), "entries ->", destination)
