"""What is to be done: each row's key, and what the ledger says about it.

The key of an item names all that its sound depends on. Batch size, order and number of workers
are no part of it, because the sound does not depend on them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache, partial
from pathlib import Path

from frontend.language import main_language
from tts.batch.ledger import Entry
from tts.batch.rows import Fault, Row
from tts.batch.sources import Digests, SourceError, check_prompt, voice_digest
from tts.control import PARAGRAPH_PAUSE_S, SENTENCE_PAUSE_S
from tts.folders import is_shipped, voice_or_default
from tts.model.config import PUBLISHED_SAMPLING, RowConfig, SamplingConfig, check_codebooks
from tts.model.registry import EMBEDDED_PROMPT, PromptRule

# Counts up when the same row would be spoken differently.
KEY_VERSION = 3
# Sampling goes in row by row, with what the row asks for; the model's revision tells how it reads.
_OUTSIDE_KEY = ("sampling", "prompt_rule", "listener")


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all items of a run and changes their output.

    Attributes:
        model, codec: revisions of the weights.
        retries: how often a piece that fails is spoken again.
        max_silence_s, max_repeat_s: limits of the guard; 0 switches one off.
        codes_only: store codes and no sound.
        sentence_pause_s, paragraph_pause_s, cast, ssml: as `SpeechOptions` has them; the cast as
            pairs.
        shards: folders that outputs are spread over; 1 puts all in one.
        listener: revision of who reads back what was said; empty where no row asks for it.
        sampling: the model's own, where a row asks for nothing.
        prompt_rule: of the model; decides what recordings may be prompts.
    """

    model: str
    codec: str
    retries: int = 2
    max_silence_s: float = 3.0
    max_repeat_s: float = 3.0
    codes_only: bool = False
    sentence_pause_s: float = SENTENCE_PAUSE_S
    paragraph_pause_s: float = PARAGRAPH_PAUSE_S
    cast: tuple[tuple[str, str], ...] = ()
    ssml: bool | None = None
    shards: int = 1
    listener: str = ""
    sampling: SamplingConfig = PUBLISHED_SAMPLING
    prompt_rule: PromptRule = EMBEDDED_PROMPT


@dataclass(frozen=True, slots=True)
class Item:
    """A row with its key.

    Attributes:
        row: what to say.
        key: 32 hex digits.
        prompt_digest: content of `row.prompt_wav` when the run was planned; empty without one.
        path: of the output, from the output folder on.
    """

    row: Row
    key: str
    prompt_digest: str
    path: str

    @property
    def size(self) -> int:
        """How long it will be, roughly, in letters."""
        # A Chinese character is a syllable, three letters' worth.
        return sum(1 if ord(c) < 0x2E80 else 3 for c in self.row.text)


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        items: all, in the order of the manifest.
        todo: those without a valid output, longest first.
        done: ids that are finished.
        failed: ids that failed before and would fail again.
        changed: how many of `todo` are in the ledger with another key.
        lost: how many of `todo` were finished, but their output is gone or damaged.
        removed: ids in the ledger that the manifest no longer has.
    """

    items: list[Item]
    todo: list[Item]
    done: set[str]
    failed: set[str]
    changed: int
    lost: int
    removed: list[str]


def with_voices(rows: list[Row]) -> list[Row]:
    """Rows that name neither a voice nor a prompt get the default voice of their language."""
    default = lru_cache(partial(voice_or_default, None))
    return [
        row if row.voice or row.prompt_wav else replace(row, voice=default(main_language(row.text)))
        for row in rows
    ]


def make_items(
    rows: list[Row], settings: Settings, digests: Digests
) -> tuple[list[Item], list[Fault]]:
    """Give each row its key.

    Args:
        rows: of the manifest.
        settings: of the run.
        digests: remembers contents of files.

    Returns:
        Items, and faults: voices that do not exist, prompts that cannot be used.
    """
    names = [field.name for field in fields(Settings) if field.name not in _OUTSIDE_KEY]
    shared = json.dumps([KEY_VERSION, *(str(getattr(settings, name)) for name in names)])
    known: dict[tuple[str, str | None], tuple[str, str]] = {}

    def source(kind: str, name: str | None) -> tuple[str, str]:
        """Digest and complaint of a voice or a prompt, each looked at once."""
        if (kind, name) not in known:
            known[kind, name] = _source(kind, name, digests, settings.prompt_rule)
        return known[kind, name]

    items: list[Item] = []
    faults: list[Fault] = []
    for row in rows:
        prompt = row.prompt_wav
        own = source("prompt", prompt) if prompt else source("voice", row.voice)
        found = [own, *(source("voice", name) for name in text_voices(row.text, settings))]
        complaints = [complaint for _, complaint in found if complaint]
        if complaints:
            faults.append(Fault(row.line, complaints[0]))
            continue
        digest = own[0]
        key = _key(row, shared, [digest for digest, _ in found], settings)
        items.append(Item(row, key, digest if prompt else "", output_path(row, settings)))
    return items, faults


def text_voices(text: str, settings: Settings) -> list[str]:
    """Voices that a text names."""
    if not (settings.cast or settings.ssml or "[" in text or text.lstrip().startswith("<")):
        return []
    from frontend.ssml import read_text

    script = read_text(text, settings.ssml, dict(settings.cast))
    return sorted({passage.voice for passage in script.passages} - {""})


def _source(kind: str, name: str | None, digests: Digests, rule: PromptRule) -> tuple[str, str]:
    try:
        if kind == "voice":
            return voice_digest(name), ""
        assert name is not None
        check = f"prompt {digests.of(name)}" + ("" if rule.cut else ", whole")
        if check not in digests.known:
            check_prompt(name, rule)
            digests.known[check] = []
            digests.changed = True
        return digests.of(name), ""
    except (SourceError, ValueError) as error:
        return "", str(error)


def _key(row: Row, shared: str, digests: list[str], settings: Settings) -> str:
    parts = [
        shared,
        row.text,
        digests,
        row.prompt_text,
        row.lang,
        row.seed,
        row.format,
        row.num_codebooks,
        row.speed,
        row.times,
        asdict(settings.sampling.with_overrides(dict(row.sampling))),
        *([f"checked by {settings.listener}"] if row.check else []),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def output_path(row: Row, settings: Settings) -> str:
    """Where an item's output goes, from the output folder on."""
    folder, ending = ("codes", "safetensors") if settings.codes_only else ("wavs", row.format)
    if settings.shards > 1:
        number = int(hashlib.sha256(row.id.encode()).hexdigest()[:8], 16) % settings.shards
        folder = f"{folder}/{number:0{len(str(settings.shards - 1))}d}"
    return f"{folder}/{row.id}.{ending}"


def make_plan(
    items: list[Item],
    ledger: dict[str, Entry],
    intact: Callable[[Entry], bool],
    retry_failed: bool = False,
) -> Plan:
    """Compare the manifest with the ledger.

    Args:
        items: of the manifest.
        ledger: last entry of each id.
        intact: whether an entry's output is still there.
        retry_failed: try again what failed and would fail again.
    """
    todo: list[Item] = []
    done: set[str] = set()
    failed: set[str] = set()
    changed = lost = 0
    for item in items:
        entry = ledger.get(item.row.id)
        if entry is None:
            todo.append(item)
        elif entry.key != item.key:
            changed += 1
            todo.append(item)
        elif entry.done and intact(entry):
            done.add(item.row.id)
        elif not entry.done and entry.lasting and not retry_failed:
            failed.add(item.row.id)
        else:
            lost += entry.done
            todo.append(item)
    ids = {item.row.id for item in items}
    removed = sorted(name for name in ledger if name not in ids)
    return Plan(items, sorted(todo, key=_order), done, failed, changed, lost, removed)


def share(plan: Plan, rank: int, world: int) -> Plan:
    """The part of one of several processes.

    It goes by the whole manifest, not by what is left: processes that start at different moments
    see different ledgers, and must still agree on who does what.
    """
    if world == 1:
        return plan
    own = {item.row.id for item in sorted(plan.items, key=_order)[rank::world]}
    return replace(plan, todo=[item for item in plan.todo if item.row.id in own])


def _order(item: Item) -> tuple[int, int, int]:
    """Items of like size side by side; the longest first, so that no straggler ends the run."""
    return (item.row.num_codebooks or 0, -item.size, item.row.line)


def is_intact(folder: Path, entry: Entry, thorough: bool = False) -> bool:
    """Whether an entry's output is there as it was written.

    Args:
        folder: output folder.
        entry: of the ledger.
        thorough: read the file even if size and time of change are right.
    """
    path = folder / entry.path
    try:
        facts = path.stat()
        if facts.st_size != entry.bytes:
            return False
        # A copied folder has other times; then the contents decide.
        if facts.st_mtime_ns == entry.mtime_ns and not thorough:
            return True
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256
    except OSError:
        return False


def check_items(
    items: list[Item], config: RowConfig, codec: Path, settings: Settings, digests: Digests
) -> list[Fault]:
    """Faults of items that this model cannot speak.

    Args:
        items: of the manifest.
        config: of the model.
        codec: folder of the tokenizer.
        settings: of the run; its codec revision names the tokenizer.
        digests: remembers which voices fit, so that the tokenizer is loaded once only.

    Raises:
        CheckpointError: the tokenizer is damaged.
    """
    faults = [
        Fault(item.row.line, complaint)
        for item in items
        if (complaint := _codebooks_complaint(item.row.num_codebooks, config))
    ]
    used: dict[int, list[str | None]] = {
        item.row.line: [*text_voices(item.row.text, settings)] for item in items
    }
    for item in items:
        if not item.prompt_digest:
            used[item.row.line].append(item.row.voice)
    voices = {name for names in used.values() for name in names}
    if config.phonemes is None:
        # Published models speak without a voice too, and with any that came with the package.
        voices = {name for name in voices if name is not None and not is_shipped(name)}
    complaints = {
        name: complaint
        for name in voices
        if (complaint := _voice_complaint(name, codec, settings, digests))
    }
    faults += [
        Fault(line, complaints[name])
        for line, names in used.items()
        for name in names
        if name in complaints
    ]
    return faults


def _codebooks_complaint(used: int | None, config: RowConfig) -> str:
    """Empty if a model can generate this many; None means all."""
    try:
        check_codebooks(config.n_vq if used is None else used, config)
    except ValueError as error:
        return str(error)
    return ""


def _voice_complaint(name: str | None, codec: Path, settings: Settings, digests: Digests) -> str:
    """Empty if the voice was made by this tokenizer."""
    # the name too: voices of the same codes may claim different tokenizers
    fits = f"voice {name} {voice_digest(name)} fits {settings.codec}"
    if fits in digests.known:
        return ""
    from tokenizer.checkpoint import load_codec
    from tts.voices import VoiceError, check_voice, load_voice

    try:
        check_voice(load_voice(name), load_codec(codec))
    except VoiceError as error:
        return str(error)
    digests.known[fits] = []
    digests.changed = True
    return ""
