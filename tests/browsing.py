"""A real browser on a real server, for the tests of the page.

Needs a Chromium: the program `chromium`, or its path in CAT_TTS_CHROMIUM.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import running
from tts.folders import HOME_VARIABLE

CHROMIUM = os.environ.get("CAT_TTS_CHROMIUM") or shutil.which("chromium")
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
READY = "body[data-cat=ready]"


@pytest.fixture(scope="module")
def page_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(folder))
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        yield folder


@pytest.fixture(scope="module")
def page_service(page_home: Path) -> Iterator[Any]:
    """A tiny model with two voices of which one is shipped and has everything that a card shows."""
    from dataclasses import replace

    from tiny import tiny_synthesizer, tiny_voice
    from tts.serve.service import SpeechService
    from tts.voices import save_voice

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tts.folders.SHIPPED_VOICES", page_home / "shipped")
        told = {
            "gender": "f",
            "accent": "American",
            "description": "bright and exact, reads the news",
        }
        save_voice(replace(tiny_voice("tiny"), **told), page_home / "shipped")
        save_voice(tiny_voice("other", seed=1))
        service = SpeechService(tiny_synthesizer())
        yield service
        service.close()


@pytest.fixture(scope="module")
def page_address(page_service: Any) -> Iterator[str]:
    from tts.serve.webui.server import create_app

    with running(create_app(page_service)) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    reason = "the package playwright is missing"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    if not CHROMIUM:
        pytest.skip("no chromium: install it, or give its path in CAT_TTS_CHROMIUM")
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, page_address: str) -> Iterator[Any]:
    """The English page at 1440 px."""
    yield from opened(browser, page_address, DESKTOP)


@pytest.fixture(params=[DESKTOP, PHONE], ids=["1440", "390"])
def any_page(browser: Any, page_address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The English page at both widths."""
    yield from opened(browser, page_address, request.param)


def opened(browser: Any, address: str, size: dict[str, int]) -> Iterator[Any]:
    """A page that is ready; at the end nothing may have gone wrong or left this server."""
    page = browser.new_page(viewport=size, permissions=["microphone"])
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    own = (address, "blob:", "data:")
    page.on("request", lambda r: None if r.url.startswith(own) else problems.append(r.url))
    page.goto(f"{address}/en/")
    page.wait_for_selector(READY, timeout=60_000)
    yield page
    page.close()
    assert problems == []


@pytest.fixture
def slowly(page_service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tiny model take about as long as a real one."""
    from tts.inference.events import AudioChunk

    speak = page_service.synthesizer.speak

    def slow(pieces, options):
        for event in speak(pieces, options):
            yield event
            if isinstance(event, AudioChunk):
                time.sleep(0.15)

    monkeypatch.setattr(page_service.synthesizer, "speak", slow)


def write(page: Any, text: str) -> None:
    """Put a text where texts are typed."""
    page.fill("#cat-text textarea", text)


def speak(page: Any, text: str, state: str = "done") -> None:
    """Speak a text and wait for its end."""
    write(page, text)
    page.click("#cat-speak")
    finished(page, state)


def finished(page: Any, state: str = "done") -> None:
    """Wait until the result is in a state."""
    page.wait_for_selector(f"#cat-result[data-state={state}]", timeout=60_000)


def expert(page: Any) -> None:
    """Show what only experts see."""
    page.click("[data-act=expert]")


def upload(page: Any, path: Path) -> None:
    """Give a recording to speak like."""
    if not page.is_visible("#cat-upload"):
        page.click("#cat-prompt button:has-text('Speak like a recording')")
    page.set_input_files("#cat-prompt input[type=file]", str(path))


def in_sight(page: Any, selector: str) -> bool:
    """Whether an element lies wholly where the user sees it, above what is fixed at the bottom."""
    return page.evaluate(
        """selector => {
          const box = document.querySelector(selector).getBoundingClientRect();
          const dock = document.querySelector('#cat-actions');
          const fixed = getComputedStyle(dock).position === 'fixed';
          const bottom = fixed ? dock.getBoundingClientRect().top : innerHeight;
          return box.height > 0 && box.top >= -1 && box.bottom <= bottom + 1;
        }""",
        selector,
    )
