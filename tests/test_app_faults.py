"""What users ran into on the page, at 1440 and 390 px; see `browsing`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import soundfile

from browsing import DESKTOP, PHONE, READY, expert, finished, in_sight, speak, upload, write
from serving import wait_until
from test_serve_uploads import RECORDINGS
from tiny import SAMPLE_RATE, speech_like

pytestmark = pytest.mark.browser

TEXT = "Hello there. The kettle is on! Would you like some tea?"
AXE = Path(__file__).parent / "clients/node_modules/axe-core/axe.min.js"
# Words for experts; elsewhere nobody needs them.
JARGON = ("codebook", "RTF", "frames", "ARPAbet", "seed", "Temperature")
HEAD_IS_CLEAR = """() => {
  const right = document.querySelector('#cat-header h1').getBoundingClientRect().right;
  return right <= document.querySelector('#cat-nav').getBoundingClientRect().left;
}"""
TALLEST = """quiet => import('/app/assets/wave.js').then(({drawWave}) => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 600, height: 100});
  document.body.append(canvas);
  drawWave(canvas, [new Int16Array(48000).map((_, i) => quiet * Math.sin(i / 9))], 0, 0);
  const {data} = canvas.getContext('2d').getImageData(0, 0, 600, 100);
  canvas.remove();
  const rows = new Set();
  data.forEach((value, i) => i % 4 === 3 && value > 128 && rows.add(Math.floor(i / 2400)));
  return rows.size / 100;
})"""


def test_an_empty_number_means_the_models_own(any_page: Any, page_service: Any):
    expert(any_page)
    own = page_service.own_sampling
    for name, value in (("temperature", own.audio.temperature), ("top_k", own.audio.top_k)):
        field = any_page.locator(f"[name={name}]")
        assert field.input_value() == ""
        assert float(field.get_attribute("placeholder")) == value
    with any_page.expect_request("**/app/speak") as asked:
        speak(any_page, "Hello.")
    assert not {"temperature", "top_k", "seed"} & set(json.loads(asked.value.post_data))
    any_page.fill("[name=seed]", "5")
    any_page.fill("[name=seed]", "")
    any_page.fill("[name=temperature]", "9")
    any_page.click("#cat-speak")
    assert "use 0 to 5" in any_page.inner_text("#cat-problem")
    any_page.fill("[name=temperature]", "")
    speak(any_page, "Hello.")
    facts = any_page.inner_text("#cat-facts")
    assert "undefined" not in facts
    assert facts.split()[-2:] == ["seed", "0"]


def test_what_speak_does_is_where_the_eyes_are(any_page: Any, slowly):
    write(any_page, TEXT)
    any_page.click("#cat-speak")
    any_page.wait_for_function("catTts.live?.begun", timeout=20_000)
    for part in ("#cat-status", "#cat-detail", "#cat-progress", "#cat-wave"):
        assert wait_until(lambda part=part: in_sight(any_page, part), 5), part
    assert "left" in any_page.inner_text("#cat-detail")
    finished(any_page)
    for part in ("#cat-audio", "#cat-status"):
        assert wait_until(lambda part=part: in_sight(any_page, part), 5), part
    speak(any_page, "[x](Q9)", "failed")
    assert wait_until(lambda: in_sight(any_page, "#cat-problem"), 5)


def test_nothing_of_the_first_text_is_offered_while_the_second_is_spoken(any_page: Any, slowly):
    speak(any_page, "Hello.")
    write(any_page, TEXT)
    any_page.click("#cat-speak")
    any_page.wait_for_selector("#cat-result[data-state=speaking]", timeout=20_000)
    assert any_page.is_hidden("#cat-audio")
    assert any_page.get_attribute("#cat-audio", "src") is None
    assert any_page.locator("#cat-downloads > *").count() == 0
    finished(any_page)
    assert any_page.is_visible("#cat-audio")


def test_the_wave_fills_its_band_and_knows_the_length_of_a_frame(page: Any):
    for quiet in (2500, 30000):
        assert page.evaluate(TALLEST, quiet) > 0.9
    left = page.evaluate(
        """import('/app/assets/result.js').then(({expectedS}) => expectedS(
        {expectedFrames: 100, frames: 75}, {frame_rate: 25}))"""
    )
    assert left == pytest.approx(1.0)
    health = page.evaluate("fetch('/health').then(answer => answer.json())")
    assert health["frame_rate"] == 12.5


@pytest.mark.parametrize("name", ["webm", "m4a"])
def test_recordings_that_browsers_call_videos_are_taken(any_page: Any, tmp_path: Path, name: str):
    path = tmp_path / f"me.{name}"
    path.write_bytes(RECORDINGS[name])
    upload(any_page, path)
    any_page.wait_for_selector("#cat-report[data-prompt]", timeout=30_000)


def test_a_voice_just_saved_is_in_sight(any_page: Any, page_home: Path, tmp_path: Path):
    path = tmp_path / "me.wav"
    soundfile.write(path, speech_like(2.5), SAMPLE_RATE)
    upload(any_page, path)
    any_page.wait_for_selector("#cat-report[data-prompt]", timeout=30_000)
    any_page.fill("#cat-name", "just-saved")
    any_page.click("#cat-save button")
    any_page.wait_for_selector("[data-voice=just-saved] input:checked", state="attached")
    assert wait_until(lambda: in_sight(any_page, "[data-voice=just-saved]"), 5)
    any_page.once("dialog", lambda dialog: dialog.accept())
    any_page.click("[data-voice=just-saved] button[aria-label^=Delete]")
    any_page.wait_for_selector("[data-voice=just-saved]", state="detached")


def test_the_keyboard_comes_to_speak_second(any_page: Any):
    any_page.evaluate("document.activeElement.blur()")
    order = []
    for _ in range(2):
        any_page.keyboard.press("Tab")
        order.append(
            any_page.evaluate("document.activeElement.id || document.activeElement.tagName")
        )
    assert order == ["TEXTAREA", "cat-speak"]


def test_cards_tell_who_speaks_without_clipping(any_page: Any):
    card = any_page.locator("[data-voice=tiny]")
    for words in ("Tiny", "American", "woman", "bright and exact, reads the news"):
        assert words in card.inner_text()
    clipped = any_page.evaluate(
        """[...document.querySelectorAll('.cat-voice :is(b, small, em)')]
        .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0
          || e.getBoundingClientRect().right > innerWidth).map(e => e.textContent)"""
    )
    assert clipped == []
    faces = any_page.evaluate(
        "[...document.querySelectorAll('.cat-voice .cat-portrait')].map(e => e.outerHTML)"
    )
    assert len(set(faces)) == len(faces) == 2
    assert any_page.evaluate(HEAD_IS_CLEAR)
    assert any_page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "too wide"


def test_jargon_is_for_experts(any_page: Any):
    speak(any_page, TEXT)
    text = any_page.inner_text("body")
    assert [word for word in JARGON if word.lower() in text.lower()] == []
    assert "KET-uhl" in text
    expert(any_page)
    text = any_page.inner_text("body")
    assert "K EH1 T AH0 L" in text
    for word in ("Codebooks", "RTF", "frames", "Seed", "Temperature"):
        assert word in text


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1440", "390"])
def test_the_chinese_page_is_chinese(browser: Any, page_address: str, size: dict):
    page = browser.new_page(viewport=size)
    page.goto(f"{page_address}/zh/")
    page.wait_for_selector(READY, timeout=60_000)
    assert page.input_value("#cat-text textarea") == "今天天气很好，我们去公园散步吧。"
    assert page.inner_text("#cat-said").count("jīn") == 1
    assert page.evaluate(HEAD_IS_CLEAR)
    speak(page, "[x](Q9)", "failed")
    assert "读音标记" in page.inner_text("#cat-problem")
    page.route("**/app/speak", lambda route: route.abort())
    speak(page, "你好。", "failed")
    assert page.inner_text("#cat-problem").startswith("无法连接服务器")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "too wide"
    page.close()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1440", "390"])
@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("zh", "dark")])
def test_axe_finds_no_serious_violation(
    browser: Any, page_address: str, size: dict, language: str, scheme: str
):
    if not AXE.is_file():
        pytest.skip("axe-core is missing: npm install --no-package-lock in tests/clients")
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.goto(f"{page_address}/{language}/")
    page.wait_for_selector(READY, timeout=60_000)
    expert(page)
    page.locator("#cat-prompt button").first.click()
    page.add_script_tag(path=str(AXE))
    found = []
    for text, state in (("", "failed"), (TEXT, "done")):
        speak(page, text, state)
        page.wait_for_timeout(300)
        told = page.evaluate("axe.run().then(({violations}) => violations)")
        found += [
            (state, rule["id"], rule["impact"], [node["html"][:160] for node in rule["nodes"]][:4])
            for rule in told
            if rule["impact"] in ("serious", "critical") or os.environ.get("CAT_TTS_AXE_ALL")
        ]
    page.close()
    assert found == [], "\n".join(map(str, found))
