"""`cat-tts say`: a text into a sound file."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import torch

import frontend
from frontend.ssml import read_text as read_script
from tokenizer.audio import check_writable, write_audio
from tokenizer.cli import check_device
from tokenizer.files import replacing
from tts.cli.growing import check_growing, growing_wav, raw_samples
from tts.cli.playing import check_player, playing
from tts.cli.progress import SpeechProgress
from tts.control import control_from
from tts.inference.synthesis import Synthesis
from tts.model.config import EMBEDDED_SAMPLING, MAX_SEED, SAMPLING, SamplingConfig, check_codebooks
from tts.subtitles import times_file, times_object
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.threads import speaking_threads
from tts.voices import Voice, load_voice

MAX_TEXT_CHARS = 200_000
# Of a text, what is read while the model is loaded.
AHEAD_CHARS = 200
_COUNTED = ("errors", "sounds")
# In place of a file's name.
STDOUT = "-"


def run_say(args: argparse.Namespace) -> int:
    """Check everything that can be checked, load, speak, write, report.

    Raises:
        ValueError: an option, the text, the voice, the model or the place is unusable.
    """
    text = check_text(read_text(args.text, args.file))
    check_options(args)
    control = control_from(args)
    sampling_from(args, EMBEDDED_SAMPLING)
    script = read_script(text, control["ssml"], control["cast"], args.own_pauses)
    for name in {passage.voice for passage in script.passages} - {""}:
        load_voice(name)
    _check_places(args)
    named = load_voice(args.voice) if args.voice else None
    reading = threading.Thread(target=_read_ahead, args=(text[:AHEAD_CHARS], args.lang))
    if args.model == "embedded":
        reading.start()
    synthesizer = Synthesizer.load(
        args.model, args.codec, check_device(args.device), getattr(torch, args.dtype)
    )
    synthesizer.listener = args.listener
    if args.model == "embedded":
        reading.join()
    if args.check:
        synthesizer.load_listener()
    used = args.num_codebooks or synthesizer.num_codebooks
    check_codebooks(used, synthesizer.model.config)
    voice = named
    if args.prompt_wav:
        voice, notes = synthesizer.prompt_encoder.voice_of(
            args.prompt_wav, transcript=args.prompt_text or "", keep_whole=bool(args.continuation)
        )
        warn(notes)
    if voice is not None or synthesizer.prompt_builder.needs_voice:
        voice = synthesizer.voice(voice, text)
    options = SpeechOptions(
        voice=voice,
        lang=args.lang,
        seed=args.seed,
        num_codebooks=args.num_codebooks,
        sampling=sampling_from(args, synthesizer.prompt_builder.sampling),
        continuation=_continuation(args, synthesizer, voice),
        language=args.language,
        duration=args.duration,
        own_pauses=args.own_pauses,
        check=args.check,
        **control,
    )
    streamed = args.stream or args.output == STDOUT
    speak = _speak_aloud if args.play else speak_growing if streamed else _speak_whole
    with speaking_threads(synthesizer.model):
        result = speak(synthesizer, text, options, args.output)
    name = voice.name if voice else ""
    for kind in _times_beside(args):
        path = Path(args.output).with_suffix(f".{kind}")
        with replacing(path) as temporary:
            temporary.write_bytes(times_file(kind, result.words, result.sentences))
    # Samples and words do not go into the same pipe.
    place = sys.stderr if args.output == STDOUT else sys.stdout
    whole = not (streamed or args.play) and len(result.sentences) > 1
    print(report(result, args.output or "played", name, used, args.json, whole), file=place)
    warn(_remarks(result))
    if (args.json or _times_beside(args)) and not result.words:
        warn(["times of sentences only: this model does not tell where in its text it is"])
    return 0


def _continuation(args: argparse.Namespace, synthesizer: Synthesizer, voice: Voice | None) -> bool:
    if args.continuation is None:
        return bool(args.prompt_wav) and synthesizer.continues(voice)
    return args.continuation


def _times_beside(args: argparse.Namespace) -> list[str]:
    return [kind for kind in ("srt", "vtt") if getattr(args, kind)]


def _check_places(args: argparse.Namespace) -> None:
    """ValueError unless sound and times can go where they shall."""
    kinds, output = _times_beside(args), args.output
    if kinds and output in (None, STDOUT):
        raise ValueError(f"--{kinds[0]} goes beside a file; give one by -o")
    if args.play and (args.stream or output == STDOUT):
        raise ValueError("--play and --stream (or -o -) exclude each other; drop one")
    if args.play:
        check_player()
    if output is None:
        if not args.play:
            raise ValueError("nothing would be heard; give -o FILE, or --play")
    elif not args.stream and output != STDOUT:
        check_writable(output)
    elif output != STDOUT:
        check_growing(output)


def _read_ahead(text: str, lang: str) -> None:
    """Have the dictionaries of a text's language loaded while the weights are laid out."""
    with suppress(ValueError):  # what is wrong with a text is told when it is spoken
        frontend.phonemize(text, lang)


def _speak_whole(
    synthesizer: Synthesizer, text: str, options: SpeechOptions, output: str
) -> Synthesis:
    with SpeechProgress(sys.stderr) as progress:
        result = synthesizer.synthesize(text, options, watch=progress.see)
    _check_spoken(result.frames, options.seed)
    write_audio(output, result.wav, result.sample_rate)
    return result


def _speak_aloud(
    synthesizer: Synthesizer, text: str, options: SpeechOptions, output: str | None
) -> Synthesis:
    """Play it while it is being spoken, and write it at the end where a file is wanted."""
    sound = playing(synthesizer.sample_rate, synthesizer.codec.channels)
    with sound as play, SpeechProgress(sys.stderr) as progress:
        result = synthesizer.synthesize(text, options, heard=play, watch=progress.see)
    _check_spoken(result.frames, options.seed)
    if output is not None:
        write_audio(output, result.wav, result.sample_rate)
    return result


def speak_growing(
    synthesizer: Synthesizer, text: str, options: SpeechOptions, output: str
) -> Synthesis:
    """Write each chunk as it becomes ready; what was spoken stays, even when interrupted.

    Args:
        output: a .wav file, or '-' for 16-bit samples on standard output.
    """
    if output == STDOUT:
        place = raw_samples(sys.stdout.buffer)
    else:
        place = growing_wav(output, synthesizer.sample_rate, synthesizer.codec.channels)
    with place as write, SpeechProgress(sys.stderr) as progress:
        result = synthesizer.synthesize(text, options, heard=write, watch=progress.see)
        _check_spoken(result.frames, options.seed)
    return result


def _check_spoken(frames: int, seed: int) -> None:
    if not frames:
        raise ValueError(
            f"the model ended at once, and nothing was written; try another --seed than {seed}"
        )


def read_text(text: str | None, file: str | None) -> str:
    """The text from the argument, a file, or standard input.

    Args:
        text: from the command line; '-' means standard input, and so does None where standard
            input is not a terminal.
        file: a UTF-8 file.

    Raises:
        ValueError: both are given, neither is, the file cannot be read or is not UTF-8.
    """
    if file is not None:
        if text is not None:
            raise ValueError("there is both TEXT and --file; give one of them")
        return _read_file(file)
    if text is not None and text != "-":
        return text
    if text is None and sys.stdin.isatty():
        raise ValueError('nothing to say; give TEXT, --file FILE, or "-" for standard input')
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise ValueError(f"standard input is not UTF-8 text ({error.reason})") from error


def _read_file(file: str) -> str:
    path = Path(file)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give a text file")
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file; check the name") from None
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error


def check_text(text: str) -> str:
    """Return `text`, or ValueError if it is blank, too long or not Unicode."""
    if not text.strip():
        raise ValueError("the text is empty; give at least one letter, digit or character")
    if len(text) > MAX_TEXT_CHARS:
        raise ValueError(
            f"the text has {len(text)} characters, the limit is {MAX_TEXT_CHARS}; split it"
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("the text is not valid UTF-8; check the terminal's encoding")
    return text


def check_options(args: argparse.Namespace) -> None:
    """ValueError for options that contradict each other or are out of range."""
    if args.voice and args.prompt_wav:
        raise ValueError("there is both --voice and --prompt-wav; give one of them")
    if args.prompt_text is not None and not args.prompt_wav:
        raise ValueError("--prompt-text says what is in a recording; give --prompt-wav too")
    if not 0 <= args.seed <= MAX_SEED:
        raise ValueError(f"seed is {args.seed}; use 0 to {MAX_SEED}")
    if args.num_codebooks is not None and args.num_codebooks < 1:
        raise ValueError(f"num_codebooks is {args.num_codebooks}; use 1 or more")


def sampling_from(args: argparse.Namespace, own: SamplingConfig) -> SamplingConfig:
    """The model's own sampling with what the user asked for put in.

    Raises:
        ValueError: a value is out of range.
    """
    return own.with_overrides({name: getattr(args, name) for name in SAMPLING})


def report(
    result: Synthesis, path: str, voice: str, num_codebooks: int, as_json: bool, whole: bool = False
) -> str:
    """One line about a finished call, for people or as JSON.

    Args:
        whole: nothing was heard before all of it was spoken, its pieces together.
    """
    if not as_json:
        heard = "" if whole else f", first sound after {result.ttfa_ms:.0f} ms"
        if result.checks:
            errors, sounds = (sum(row[name] for row in result.checks) for name in _COUNTED)
            heard += f", {errors} of {sounds} sounds heard otherwise"
        return f"{path}: {result.seconds:.2f} s of speech, RTF {result.rtf:.3f}{heard}"
    return json.dumps(
        {
            "path": path,
            "seconds": round(result.seconds, 3),
            "frames": result.frames,
            "rtf": round(result.rtf, 4),
            "ttfa_ms": round(result.ttfa_ms, 1),
            "seed": result.seed,
            "finished_by": result.finished_by,
            "retries": result.retries,
            "voice": voice,
            "num_codebooks": num_codebooks,
            "notes": list(result.notes),
            **({"check": list(result.checks)} if result.checks else {}),
            **times_object(result.words, result.sentences),
        },
        ensure_ascii=False,
    )


def _remarks(result: Synthesis) -> list[str]:
    remarks = list(result.notes)
    if result.retries:
        remarks.append(f"pieces spoken again with another seed: {result.retries}")
    if result.finished_by == "budget":
        remarks.append(
            "a piece did not end by itself and was cut at its limit; listen to it, and try "
            "another --seed"
        )
    return remarks


def warn(messages: Iterable[str]) -> None:
    """Print each message as one line on stderr."""
    for message in messages:
        print(f"cat-tts: warning: {message}", file=sys.stderr)
