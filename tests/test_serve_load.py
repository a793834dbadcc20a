"""Many clients at once for minutes: no error, no mixed-up answers, no growth.

CAT_TTS_LOAD_S sets the length in seconds; the default is the three minutes that are promised.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from serving import home_with, running, spoken_alone, wait_until
from tiny import tiny_synthesizer
from tokenizer.audio import to_int16
from tts.serve.api import create_api
from tts.serve.service import SpeechService
from tts.serve.settings import Limits
from tts.synthesizer import SpeechOptions

pytestmark = pytest.mark.slow

CLIENTS, HANG_UPS = 16, 20
SECONDS = float(os.environ.get("CAT_TTS_LOAD_S", "180"))
WARM_UP_S = min(30.0, SECONDS / 3)
TEXTS = (
    "Good morning.",
    "The kettle is on. Would you like some tea?",
    "今天天气很好，我们去公园散步吧。",
    "One. Two! Three? Four, five and six.",
)
VOICES = ("one", "two")
# Fewer places than clients, so that some are turned away.
LIMITS = Limits(waiting=10, waiting_per_client=2)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechService]:
    folder = tmp_path_factory.mktemp("load")
    with home_with(folder, *VOICES):
        service = SpeechService(tiny_synthesizer(), LIMITS)
        yield service
        service.close()


def expected_sounds(service: SpeechService) -> dict[tuple[str, str, int], bytes]:
    """What each request must be answered with: the seeded offline result."""
    sounds = {}
    for text in TEXTS:
        for voice in VOICES:
            for seed in range(3):
                options = SpeechOptions(voice=voice, seed=seed)
                wav = spoken_alone(service.synthesizer, text, options)
                sounds[text, voice, seed] = to_int16(wav).tobytes()
    assert len(set(sounds.values())) == len(sounds), "two requests sound alike"
    return sounds


class User(threading.Thread):
    """One client that asks for one thing after the other and checks each answer."""

    def __init__(self, number: int, address: str, sounds: dict, end: float) -> None:
        super().__init__(daemon=True)
        self.number, self.address, self.sounds, self.end = number, address, sounds, end
        self.seen: Counter[str] = Counter()

    def run(self) -> None:
        choose = random.Random(self.number)
        while time.monotonic() < self.end:
            text, voice, seed = wanted = choose.choice(list(self.sounds))
            fields = {"model": "cat-tts", "input": text, "voice": voice, "seed": seed}
            try:
                status, retry, data = self.ask(fields | {"response_format": "pcm"})
            except (OSError, http.client.HTTPException) as error:
                self.seen[f"broken: {error!r}"] += 1
                continue
            if status in (429, 503):
                self.seen["turned away" if retry.isdigit() else "without Retry-After"] += 1
                time.sleep(choose.uniform(0.05, 0.3))
            elif status != 200:
                self.seen[f"status {status}: {data[:100]!r}"] += 1
            else:
                self.seen["right" if data == self.sounds[wanted] else "wrong sound"] += 1

    def ask(self, fields: dict) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(self.address, timeout=120)
        headers = {"Content-Type": "application/json", "X-Client-Id": f"user-{self.number}"}
        try:
            connection.request("POST", "/v1/audio/speech", json.dumps(fields), headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Retry-After", ""), answer.read()
        finally:
            connection.close()


def test_sixteen_clients_at_once(service: SpeechService, record_property):
    sounds = expected_sounds(service)
    process, memory = psutil.Process(), []
    with running(create_api(service)) as address:
        begun = time.monotonic()
        users = [
            User(n, address.removeprefix("http://"), sounds, begun + SECONDS)
            for n in range(CLIENTS)
        ]
        for user in users:
            user.start()
        while any(user.is_alive() for user in users):
            time.sleep(0.5)
            if WARM_UP_S < time.monotonic() - begun < SECONDS:
                memory.append(process.memory_info().rss)
        seen = sum((user.seen for user in users), Counter())
        assert wait_until(lambda: not service.worker.busy and service.worker.waiting == 0)
    quarter = max(1, len(memory) // 4)
    first, last = np.median(memory[:quarter]), np.median(memory[-quarter:])
    answered = [user.seen["right"] for user in users]
    print(f"\n{dict(seen)}; answers per client {min(answered)} to {max(answered)}; memory")
    print(f"{first / 2**20:.1f} -> {last / 2**20:.1f} MiB ({last / first - 1:+.2%})")
    assert set(seen) <= {"right", "turned away"}, seen
    assert seen["turned away"] > 0, "the bound was never reached"
    assert min(answered) > 0
    assert abs(last / first - 1) < 0.05


def test_hang_ups_leave_nothing_running(service: SpeechService):
    text = "This sentence is one of very many that nobody will wait for. " * 60
    threads = threading.active_count()
    with running(create_api(service)) as address:
        for number in range(HANG_UPS):
            connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
            fields = {"model": "cat-tts", "input": text, "voice": "one", "response_format": "pcm"}
            headers = {"Content-Type": "application/json", "X-Client-Id": str(number)}
            connection.request("POST", "/v1/audio/speech", json.dumps(fields), headers)
            if number % 2:
                answer = connection.getresponse()
                assert answer.status == 200
                assert answer.read(2000)
                answer.close()
            connection.close()
        assert wait_until(lambda: not service.worker.busy and service.worker.waiting == 0, 15)
    assert wait_until(lambda: threading.active_count() <= threads)
