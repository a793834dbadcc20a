"""`cat-tts serve`: the page and the API on one server; `python app.py` does the same.

Only the standard library is imported at the top, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
from contextlib import suppress
from typing import Any

from tts.control import add_listener
from tts.serve.settings import Access, Limits, check_origin, is_loopback, parse_auth

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 7860


def add_serve(commands: Any) -> None:
    """Register `serve` with the subcommands of `cat-tts`."""
    text = "serve the page and the API on one address"
    add_options(commands.add_parser("serve", help=text, description=text))


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the server."""
    limits = Limits()
    parser.add_argument("--host", default=DEFAULT_HOST, help=f"default {DEFAULT_HOST}: only here")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"default {DEFAULT_PORT}")
    parser.add_argument("--auth", metavar="USER:PASS", help="ask for this user and password")
    parser.add_argument("--api-key", metavar="KEY", help="ask for this key (a bearer token)")
    parser.add_argument(
        "--cors", metavar="ORIGIN", action="append", default=[], help="let pages of it use /v1"
    )
    parser.add_argument("--strict", action="store_true", help="unknown fields are errors")
    parser.add_argument("--model", default="embedded", help="'embedded' or a folder")
    parser.add_argument("--codec", help="'embedded' or a folder; default goes with the model")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, …; default cpu")
    add_listener(parser)
    parser.add_argument("--max-chars", type=int, default=limits.max_chars, metavar="N")
    parser.add_argument("--max-waiting", type=int, default=limits.waiting, metavar="N")
    parser.add_argument("--max-upload-mb", type=float, default=limits.upload_bytes / 2**20)


def access_of(args: argparse.Namespace) -> Access:
    """Who may come in; ValueError where that is given badly.

    The key may also stand in the environment variable CAT_TTS_API_KEY, where a list of processes
    does not show it.
    """
    user, password = parse_auth(args.auth) if args.auth is not None else ("", "")
    key = args.api_key if args.api_key is not None else os.environ.get("CAT_TTS_API_KEY", "")
    if args.api_key is not None and not key.strip():
        raise ValueError("--api-key is empty; give a key, or leave the option out")
    return Access(user, password, key, tuple(map(check_origin, args.cors)), args.strict)


def warnings_for(host: str, access: Access) -> list[str]:
    """What the user should know about who can reach the server."""
    if is_loopback(host):
        return []
    if access.is_open:
        return [
            f"{host} can be reached from the network and asks for no password: anyone may use this "
            "server and change its voices; add --auth USER:PASS or --api-key KEY"
        ]
    return ["password and key travel unencrypted; put a proxy with https before this server"]


def run_serve(args: argparse.Namespace) -> int:
    """Run the server until it is interrupted.

    Raises:
        ValueError: an option, the model, the codec or the device is unusable.
    """
    access = access_of(args)
    limits = Limits(
        max_chars=args.max_chars,
        waiting=args.max_waiting,
        upload_bytes=round(args.max_upload_mb * 2**20),
    )
    if not 0 <= args.port <= 65535:
        raise ValueError(f"--port is {args.port}; use 0 to 65535")
    for message in warnings_for(args.host, access):
        print(f"cat-tts: warning: {message}", file=sys.stderr)
    with suppress(KeyboardInterrupt):
        serve(args, access, limits)
    return 0


def listening_socket(host: str, port: int) -> socket.socket:
    """An open socket; 0 takes any free port.

    Raises:
        ValueError: the address cannot be used, most often because another program has the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ValueError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}); "
            "stop what uses it, or give another --port"
        ) from error


def serve(args: argparse.Namespace, access: Access, limits: Limits) -> None:
    """Load the model and serve; uploads lie in a folder of their own that goes at the end.

    Raises:
        ValueError: the port is taken; model, codec or device is unusable.
    """
    with (
        listening_socket(args.host, args.port) as door,
        tempfile.TemporaryDirectory(prefix="cat-tts-") as folder,
    ):
        # Before Gradio is imported: nothing is sent home, and its uploads go there.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["GRADIO_TEMP_DIR"] = folder
        import uvicorn

        from tokenizer.cli import check_device
        from tts.serve.service import SpeechService
        from tts.serve.webui.server import create_app
        from tts.synthesizer import Synthesizer

        synthesizer = Synthesizer.load(args.model, args.codec, check_device(args.device))
        synthesizer.listener = args.listener
        service = SpeechService(synthesizer, limits)
        try:
            app = create_app(service, access)
            service.load_languages()
            service.warm_up()
            where = "127.0.0.1" if args.host == "0.0.0.0" else args.host
            shown = f"[{where}]" if ":" in where else where
            port = door.getsockname()[1]
            print(f"CAT-TTS: http://{shown}:{port}  (API: /docs)", flush=True)
            uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[door])
        finally:
            service.close()
