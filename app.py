"""Serve the page and the API: `python app.py`, then open http://127.0.0.1:7860."""

from __future__ import annotations

import sys

from tts.__main__ import main as cat_tts


def main(argv: list[str] | None = None) -> int:
    """The same as `cat-tts serve` with these options."""
    return cat_tts(["serve", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    sys.exit(main())
