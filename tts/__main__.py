"""`cat-tts say | listen | voice | batch | serve | doctor | verify`: the command line.

Only the standard library is imported here, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tokenizer.cli import Parser, add_verify, run_guarded
from tts.batch.cli import add_batch
from tts.book.cli import add_book
from tts.control import add_check, add_control, add_listener
from tts.serve.cli import add_serve, run_serve
from tts.threads import sleep_while_waiting

PROG = "cat-tts"
EXAMPLES = """examples:
  cat-tts say "Good morning, everyone." -o hello.wav
  cat-tts say --file letter.txt -o letter.mp3 --voice michael
  echo "It is late." | cat-tts say -o late.flac --prompt-wav me.wav
  cat-tts say "As it is being made." -o - | aplay -f S16_LE -r 24000
  cat-tts listen talk.mp3 --srt talk.srt
  cat-tts voice add me me.wav --text "What I say in it."
"""


def build_parser() -> argparse.ArgumentParser:
    """All subcommands."""
    parser = Parser(
        prog=PROG,
        description="Text to speech with CAT-TTS.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_say(commands)
    _add_listen(commands)
    _add_voice(commands)
    add_batch(commands)
    add_book(commands)
    add_serve(commands)
    doctor = commands.add_parser(
        "doctor", help="show what is installed, and test it", description=doctor_text()
    )
    _add_model(doctor)
    add_verify(commands)
    return parser


def doctor_text() -> str:
    return (
        "Show versions, weights and voices, speak a short sentence to see that all works, and "
        "name what is missing and how to get it. Exit code 0 means that it speaks."
    )


def _add_say(commands) -> None:
    say = commands.add_parser("say", help="speak a text into a file")
    say.add_argument("text", nargs="?", metavar="TEXT", help="what to say; '-' is standard input")
    say.add_argument("--file", metavar="FILE", help="read the text from a UTF-8 file")
    say.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=".wav .flac .mp3 .ogg or .opus; '-' writes raw 16-bit samples to standard output",
    )
    say.add_argument("--play", action="store_true", help="play it while it is being spoken")
    say.add_argument(
        "--stream", action="store_true", help="write each piece at once: a .wav that grows"
    )
    voice = say.add_argument_group("voice")
    voice.add_argument("--voice", metavar="NAME", help="see `cat-tts voice list`")
    voice.add_argument("--prompt-wav", metavar="FILE", help="speak like this recording, 1 to 30 s")
    voice.add_argument("--prompt-text", metavar="TEXT", help="what is said in the recording")
    voice.add_argument(
        "--continuation",
        action=argparse.BooleanOptionalAction,
        help="go on where the recording ends, its words being known; default: as suits the model",
    )
    voice.add_argument("--lang", choices=("auto", "en", "zh"), default="auto")
    add_control(say.add_argument_group("speed, pauses, voices of a play"))
    add_check(say.add_argument_group("check"))
    times = say.add_argument_group("times, beside the sound")
    times.add_argument("--srt", action="store_true", help="subtitles of sentences: OUTPUT.srt")
    times.add_argument("--vtt", action="store_true", help="and of words: OUTPUT.vtt")
    published = say.add_argument_group("published models")
    published.add_argument(
        "--own-pauses", action="store_true", help="leave [pause 1s] to a model that knows it"
    )
    published.add_argument("--language", metavar="NAME", help="such as English; default: by --lang")
    published.add_argument(
        "--duration", type=int, metavar="TOKENS", help="wanted length of every piece, in frames"
    )
    sampling = say.add_argument_group("sampling")
    sampling.add_argument(
        "--seed", type=int, default=0, help="same text, options and seed: same sound (default 0)"
    )
    sampling.add_argument(
        "--num-codebooks", type=int, metavar="K", help="fewer is faster and rougher"
    )
    sampling.add_argument("--temperature", type=float, metavar="T", help="audio; 0 is greedy")
    sampling.add_argument("--top-p", type=float, metavar="P", help="audio; in (0, 1]")
    sampling.add_argument("--top-k", type=int, metavar="N", help="audio; 0 is off")
    sampling.add_argument("--repetition-penalty", type=float, metavar="R", help="audio; 1 is off")
    sampling.add_argument(
        "--guidance", type=float, metavar="G", help="how far the text pulls; 1 is off, and faster"
    )
    sampling.add_argument(
        "--text-temperature", type=float, metavar="T", help="of the pace; 0 is greedy"
    )
    _add_model(say)
    say.add_argument("--json", action="store_true", help="print figures and times as one JSON line")


def _add_listen(commands) -> None:
    listen = commands.add_parser("listen", help="write what is said in a sound file")
    listen.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help=".wav .flac .mp3 .ogg .opus .m4a .webm of any length; '-' reads raw 16-bit samples at "
        "the tokenizer's rate from standard input, as `say -o -` writes them",
    )
    listen.add_argument("--lang", choices=("auto", "en", "zh"), default="auto")
    listen.add_argument("--json", action="store_true", help="one JSON line a file, with times")
    listen.add_argument("--srt", metavar="FILE", help="write subtitles of sentences")
    listen.add_argument("--vtt", metavar="FILE", help="and of words")
    listen.add_argument("--num-codebooks", type=int, metavar="K", help="read fewer than it knows")
    model = listen.add_argument_group("model")
    add_listener(model)
    model.add_argument("--codec", default="embedded", help="'embedded', a folder or a hub id")
    model.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")


def _add_voice(commands) -> None:
    voice = commands.add_parser("voice", help="list, add and remove voices")
    actions = voice.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="show all voices")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    add = actions.add_parser("add", help="make a voice from a recording of 1 to 30 s")
    add.add_argument("name", metavar="NAME", help="1 to 40 of a-z, 0-9, '_' and '-'")
    add.add_argument("wav", metavar="WAV", help=".wav .flac .mp3 .ogg or .opus")
    add.add_argument("--text", default="", help="what is said in it")
    add.add_argument("--lang", choices=("en", "zh"), help="default: by the script of --text")
    add.add_argument("--gender", choices=("f", "m"), default="", help="woman or man")
    add.add_argument("--accent", default="", help="such as American, for people to read")
    add.add_argument("--description", default="", help="one line, for people to read")
    _add_model(add)
    remove = actions.add_parser("remove", help="delete a voice that you added")
    remove.add_argument("name", metavar="NAME")


def _add_model(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", default="embedded", help="'embedded', a model folder, or a hub id OWNER/MODEL"
    )
    group.add_argument("--codec", help="likewise, of a tokenizer; default: the model's own")
    group.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    group.add_argument(
        "--dtype",
        choices=("float32", "bfloat16"),
        default="float32",
        help="of the language model; bfloat16 takes half the memory, and suits GPUs",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 2 for bad input (one line on stderr); 130 when interrupted; 1 where `doctor` finds
        that it cannot speak, or for a mistake of the program.
    """
    return run_guarded(PROG, lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    args = build_parser().parse_args(argv)
    sleep_while_waiting()
    if args.command == "say":
        from tts.cli.say import run_say

        return run_say(args)
    if args.command == "listen":
        from tts.cli.listen import run_listen

        return run_listen(args)
    if args.command == "voice":
        from tts.cli.voice import run_voice

        return run_voice(args)
    if args.command == "batch":
        from tts.batch.cli import run_command

        return run_command(args)
    if args.command == "book":
        from tts.book.cli import run_book

        return run_book(args)
    if args.command == "serve":
        return run_serve(args)
    if args.command == "verify":
        from tts.cli.verify import run_verify

        return run_verify(args.folder, args.shapes)
    from tts.cli.doctor import run_doctor

    return run_doctor(args)


if __name__ == "__main__":
    sys.exit(main())
