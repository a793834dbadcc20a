"""Lists of what is done."""

from __future__ import annotations

from collections.abc import Iterable

from tts.batch.ledger import Entry
from tts.batch.plan import Item

LISTINGS = ("ljspeech", "kaldi")
# What was read back, the worst first.
CHECKS, CHECKS_HEADER = "checks.csv", "id|check|errors|text"


def make_listings(
    items: Iterable[Item], ledger: dict[str, Entry], kinds: Iterable[str]
) -> dict[str, bytes]:
    """Name -> contents of the lists of all items that are done.

    Args:
        items: of the manifest, in its order.
        ledger: last entry of each id.
        kinds: of `LISTINGS`.
    """
    finished = [
        item
        for item in items
        if (entry := ledger.get(item.row.id)) is not None and entry.done and entry.key == item.key
    ]
    files: dict[str, str] = {}
    if "ljspeech" in kinds:
        files["metadata.csv"] = "".join(
            f"{item.row.id}|{_one_line(item)}|{_one_line(item)}\n" for item in finished
        )
    if "kaldi" in kinds:
        files |= _kaldi(finished)
    checked = [(ledger[i.row.id], i) for i in finished if ledger[i.row.id].check is not None]
    if checked:
        checked.sort(key=lambda pair: (-(pair[0].check or 0.0), -pair[0].errors, pair[1].row.id))
        files[CHECKS] = f"{CHECKS_HEADER}\n" + "".join(
            f"{entry.id}|{entry.check}|{entry.errors}|{_one_line(item)}\n"
            for entry, item in checked
        )
    return {name: text.encode("utf-8") for name, text in files.items()}


def _kaldi(finished: list[Item]) -> dict[str, str]:
    # Kaldi sorts by bytes, and wants utterances of a speaker side by side in that order.
    rows = sorted(finished, key=lambda item: item.row.id.encode())
    speakers: dict[str, list[str]] = {}
    for item in rows:
        speakers.setdefault(_speaker(item), []).append(item.row.id)
    return {
        "kaldi/wav.scp": "".join(f"{item.row.id} {item.path}\n" for item in rows),
        "kaldi/text": "".join(f"{item.row.id} {_one_line(item)}\n" for item in rows),
        "kaldi/utt2spk": "".join(f"{item.row.id} {_speaker(item)}\n" for item in rows),
        "kaldi/spk2utt": "".join(
            f"{name} {' '.join(speakers[name])}\n" for name in sorted(speakers, key=str.encode)
        ),
    }


def _speaker(item: Item) -> str:
    """The voice's name; each prompt recording is a speaker of its own."""
    if item.prompt_digest:
        return f"prompt-{item.prompt_digest[:12]}"
    return item.row.voice or "default"


def _one_line(item: Item) -> str:
    """The text without what would break the list."""
    return " ".join(item.row.text.replace("|", " ").split())
