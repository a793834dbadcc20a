"""Pictures of the page's states from the weights that ship: python scripts/screenshots.py.

Empty, loading, error and finished, at 1440 and 390 px, light and dark, and light in Chinese; into
docs/images, or the folder given. Needs the packages playwright and pillow, and a Chromium: the
program `chromium`, or its path in CAT_TTS_CHROMIUM.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
SIZES = {1440: 900, 390: 844}
WANTED = [("en", width, scheme) for width in SIZES for scheme in ("light", "dark")]
WANTED += [("zh", width, "light") for width in SIZES]
STATES = ("empty", "loading", "error", "finished")
# Flat drawings: more colours cannot be told apart.
COLOURS = 160
START_S = 180


@contextmanager
def served() -> Iterator[str]:
    """The address of a server of its own with the embedded model and no voices of the user's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {"CAT_TTS_HOME": home, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(ROOT / "app.py"), "--port", str(port)]
        server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(server, f"{address}/health")
            yield address
        finally:
            server.terminate()
            server.wait(30)


def wait_for(server: subprocess.Popen, url: str) -> None:
    """Return once the server answers; RuntimeError if it ends or takes too long."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and server.poll() is None:
        with suppress(OSError), urlopen(url):
            return
        time.sleep(0.5)
    raise RuntimeError("the server did not start; see its message above")


def bring(page: Any, state: str, held: list[Any]) -> None:
    """Put a page into a state; in the order of STATES one page can be in all of them.

    held: gets the requests that are not answered, while it loads.
    """
    if state == "empty":
        return
    if state == "loading":
        page.route("**/app/speak", lambda route: held.append(route))
    if state == "error":
        page.fill("#cat-text textarea", "The [kettle](Q9) is on.")
    page.click("#cat-speak")
    shown = {"loading": "waiting", "error": "failed", "finished": "done"}[state]
    page.wait_for_selector(f"#cat-result[data-state={shown}]", timeout=120_000)
    if state == "finished":
        page.evaluate("catTts.live.stop()")


def leave(page: Any, state: str, held: list[Any]) -> None:
    """Undo what a state needs."""
    if state == "loading":
        page.click("#cat-stop")
        while held:
            held.pop().abort()
        page.unroute("**/app/speak")
    if state == "error":
        page.locator("[data-example]").first.click()


def pictures(
    browser: Any, address: str, language: str, width: int, scheme: Any
) -> Iterator[tuple[str, bytes]]:
    """(state, PNG) of one page; RuntimeError if it is wider than its window."""
    size = {"width": width, "height": SIZES[width]}
    page = browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{address}/{language}/")
    page.wait_for_selector("body[data-cat=ready]", timeout=120_000)
    held: list[Any] = []
    for state in STATES:
        bring(page, state, held)
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            raise RuntimeError(f"{language}, {state}: the page is wider than {width} px")
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(600)
        page.evaluate("scrollTo(0, 0)")
        yield state, page.screenshot(full_page=state == "finished" and width > 1000)
        leave(page, state, held)
    page.close()


def small(picture: bytes) -> bytes:
    """The same with few colours."""
    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
            out, "PNG", optimize=True
        )
    return out.getvalue()


def main(argv: list[str] | None = None) -> int:
    """Take them all."""
    parser = argparse.ArgumentParser(description="Take pictures of the page.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images")
    folder = parser.parse_args(argv).folder
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CAT_TTS_CHROMIUM") or shutil.which("chromium")
    total = 0
    with served() as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for language, width, scheme in WANTED:
            for state, picture in pictures(browser, address, language, width, scheme):
                name = f"{language}-{state}-{width}-{scheme}.png"
                data = small(picture)
                (folder / name).write_bytes(data)
                total += len(data)
                print(f"{name}: {len(data) / 1000:.0f} kB", flush=True)
        browser.close()
    print(f"{total / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
