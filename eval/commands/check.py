"""Does speech that checks itself lose fewer clauses? `say --check`, measured.

Two questions. Of outputs out of whose codes a clause was cut, or in which one was doubled, how many
does the listener find, and how many good ones does it take for wrong? And of hard texts at a high
temperature (lists, digits, long ones): in how many does another recogniser miss a clause, or hear
one twice, without the check and with it? What was not said again is the same in both.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from eval.audio import no_speech
from eval.cache import kept, key_of, read_record, user_cache, write_record
from eval.commands.intelligibility import SENTENCES
from eval.metrics.wer import LANGUAGES
from eval.report import json_line, markdown_table, read_sentences, write_json_lines
from eval.systems.hard_texts import hard_texts
from eval.systems.listening import CachedRecognizer, load_recognizer
from eval.systems.sources import ModelSource, open_model
from tts.inference.events import PieceDone
from tts.inference.guard import Guard
from tts.inference.prompt_builders import Piece, SpeechOptions
from tts.inference.speaking import PieceLoop
from tts.model.config import SamplingConfig
from tts.synthesizer import BATCH


@dataclass(frozen=True)
class Spoken:
    """A piece as it was said: codes (k, T), how often, what its reader had to say of it."""

    number: int
    lang: str
    voice: str
    text: str
    codes: list[list[int]]
    attempts: int = 1
    complaint: str | None = None
    slip: str | None = None


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m eval check", description=__doc__)
    p.add_argument("--model", default="embedded", help="embedded, or a model folder")
    p.add_argument("--reader", default="embedded", help="who checks: 'embedded' or a folder")
    p.add_argument("--voices", nargs="+", metavar="NAME", help="default: all")
    p.add_argument("--spoilt", type=int, default=0, metavar="N", help="outputs to be spoilt")
    p.add_argument("--hard", type=int, default=0, metavar="N", help="hard texts to be spoken")
    p.add_argument("--mandarin", type=float, default=0.3, help="share of the texts (0.3)")
    p.add_argument("--temperature", type=float, default=1.0, help="of the hard texts (1)")
    p.add_argument("--listener", help="whisper:FOLDER, multilingual; for --hard")
    p.add_argument("--without", action="store_true", help="hard texts without the check alone")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--device", default="cpu")
    p.add_argument("--cache", type=Path, help="see `eval intelligibility`")
    p.add_argument("--out", type=Path, help="write the pieces of hard texts here, a line each")
    return p


def main(argv: Sequence[str]) -> int:
    """`python -m eval check`."""
    args = parser().parse_args(argv)
    if args.hard and not args.listener:
        raise ValueError("--hard needs --listener, such as whisper:FOLDER")
    if not (args.hard or args.spoilt) or not 0 <= args.mandarin <= 1:
        raise ValueError("give --spoilt N or --hard N; --mandarin is a share, 0 to 1")
    source, voices = open_model(args.model, args.voices or [], args.device, None)
    source = replace(source, synthesizer=replace(source.synthesizer, listener=args.reader))
    result: dict[str, Any] = {"command": "check", "seed": args.seed}
    if args.spoilt:
        result["spoilt"] = spoilt(source, voices, args)
    if args.hard:
        result["hard"] = hard(source, voices, args)
    sys.stdout.write(json_line(result) + "\n")
    return 0


def spoilt(source: ModelSource, voices: Sequence[str], args: argparse.Namespace) -> dict[str, Any]:
    """Test sentences as the model says them, each as it is, cut and doubled."""
    from tts.train.listen_spoken import speak
    from tts.train.listen_threshold import judged, spoil_all

    listener = source.synthesizer.load_listener()
    texts = [line for lang in LANGUAGES for line in read_sentences(SENTENCES[lang])]
    people = [source.synthesizer.voice(name) for name in voices]
    hours = args.spoilt * 20 / 3600  # far more than there will be
    examples = speak(source.synthesizer, texts, people, hours, args.mandarin, args.seed)
    found = judged(spoil_all(listener, examples, args.seed, args.spoilt), listener.config.check)
    header = ("outputs", "taken for wrong", "cut: found", "doubled: found")
    row = (found.sentences, found.false_alarms, found.found_missing, found.found_doubled)
    sys.stdout.write(markdown_table(header, [row]) + "\n\n")
    return found.to_dict()


def hard(source: ModelSource, voices: Sequence[str], args: argparse.Namespace) -> dict[str, Any]:
    """Hard texts without the check, and with it those that it does not let pass."""
    cache = args.cache or user_cache()
    ears = {lang: load_recognizer(args.listener, args.device, lang, cache) for lang in LANGUAGES}
    asked = list(_asked(source, voices, args))
    before = [_heard(one, source, ears) for one in _speak(source, asked, args.temperature, cache)]
    kinds = {"without": before}
    if not args.without:
        kinds["with"] = [_heard(one, source, ears) for one in _checked(source, asked, before, args)]
    told = {
        f"{kind} {lang}": _counted([one for one in pieces if one.lang == lang])
        for kind, pieces in kinds.items()
        for lang in LANGUAGES
    }
    rows = [(name, *counts.values()) for name, counts in told.items()]
    header = ("check", "pieces", "clause lost", "clause doubled", "said again", "given up")
    sys.stdout.write(markdown_table(header, rows) + "\n\n")
    if args.out:
        lines = [{"kind": kind, **asdict(one)} for kind, own in kinds.items() for one in own]
        write_json_lines(args.out, lines)
    return told


def _counted(pieces: Sequence[Spoken]) -> dict[str, int]:
    return {
        "pieces": len(pieces),
        "lost": sum(one.slip == "lost" for one in pieces),
        "doubled": sum(one.slip == "added" for one in pieces),
        "again": sum(one.attempts > 1 for one in pieces),
        "given_up": sum(one.complaint is not None for one in pieces),
    }


def _asked(
    source: ModelSource, voices: Sequence[str], args: argparse.Namespace
) -> Iterator[tuple[Spoken, Piece]]:
    """Each language's texts in its voices in turn, each with a seed of its own."""
    total, number = args.hard, 0
    counts = {"zh": round(total * args.mandarin)}
    counts["en"] = total - counts["zh"]
    for lang in LANGUAGES:
        own = [name for name in voices if source.synthesizer.voice(name).lang == lang]
        texts = hard_texts(read_sentences(SENTENCES[lang]), lang, counts[lang], args.seed)
        for text in texts if own else []:
            voice = own[number % len(own)]
            options = SpeechOptions(voice=voice, lang=lang, seed=args.seed + number)
            options = replace(options, check=not args.without)
            for piece in source.synthesizer.pieces(text, options):
                yield Spoken(number, lang, voice, piece.text, []), piece
            number += 1


def _loop(source: ModelSource, guard: Guard, temperature: float) -> PieceLoop:
    synthesizer, sampling = source.synthesizer, source.synthesizer.prompt_builder.sampling
    warm: SamplingConfig = sampling.with_overrides({"temperature": temperature})
    return PieceLoop(synthesizer.model, synthesizer.codec, warm, guard, BATCH, "none")


def _speak(
    source: ModelSource,
    asked: Sequence[tuple[Spoken, Piece]],
    temperature: float,
    cache: Path,
) -> list[Spoken]:
    """All pieces without the check; those that were said before are not said again."""
    request = {"digests": list(source.digests), "temperature": temperature}
    places = []
    for one, piece in asked:
        settings = {**request, **asdict(one), "rows": piece.request.rows.tolist()}
        places.append(cache / f"{key_of({**settings, 'seed': piece.request.seed})}.json")
    records = [read_record(place) for place in places]
    missing = ((n, asked[n][1]) for n, record in enumerate(records) if record is None)
    unchecked = replace(source.synthesizer.guard, listener=None)
    for event in _loop(source, unchecked, temperature).run(missing):
        if isinstance(event, PieceDone):
            number = int(str(event.key))
            records[number] = {"codes": event.codes.tolist(), "attempts": event.attempts}
            write_record(places[number], records[number] or {})
    return [replace(one, **(r or {})) for (one, _), r in zip(asked, records, strict=True)]


def _checked(
    source: ModelSource,
    asked: Sequence[tuple[Spoken, Piece]],
    before: Sequence[Spoken],
    args: argparse.Namespace,
) -> list[Spoken]:
    """The same with the check: what it lets pass is the same codes."""
    listener = source.synthesizer.load_listener()
    guard = replace(source.synthesizer.guard, listener=listener)
    after, wrong = list(before), []
    for number, ((_, piece), said) in enumerate(zip(asked, before, strict=True)):
        check = guard.of_words(piece.symbols, torch.tensor(said.codes))
        if check is None or check.worst(listener.config.check) >= 1:
            wrong.append((number, piece))
    for event in _loop(source, guard, args.temperature).run(wrong):
        if isinstance(event, PieceDone):
            number = int(str(event.key))
            told = {"attempts": event.attempts, "complaint": event.complaint}
            after[number] = replace(before[number], codes=event.codes.tolist(), **told)
    return after


def _heard(one: Spoken, source: ModelSource, ears: dict[str, CachedRecognizer]) -> Spoken:
    """With what another recogniser misses, or hears twice."""
    ear = ears[one.lang]

    def hear() -> dict[str, Any]:
        codes = torch.tensor(one.codes)
        if not codes.numel():
            return {"slip": "lost"}
        sound = source.sound(codes)
        if no_speech(sound.wav, sound.sample_rate) is not None:
            return {"slip": "lost"}
        heard = ear.listener.transcribe(sound.wav, sound.sample_rate)
        return {"slip": ear.slip(one.text, sound.wav, sound.sample_rate, heard)}

    settings = {**ear.hearing(), "digests": list(source.digests), "codes": one.codes}
    return replace(one, **kept(ear.cache, {**settings, "text": one.text}, hear))
