"""Queue, worker and service: fair order, bounds, cancelling, equality with the offline result."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from serving import spoken_alone, wait_until
from tiny import tiny_synthesizer, tiny_voice
from tts.folders import HOME_VARIABLE
from tts.serve.fairqueue import Client, FairQueue, QueueFullError
from tts.serve.kept import KeptPiece, KeptResult, TtlCache
from tts.serve.service import SpeechService
from tts.serve.settings import Limits, is_loopback, parse_auth
from tts.serve.speech import PieceSent, Sound, Started, TextSpoken, speak
from tts.serve.worker import END, PAUSE, Job, JobFailed, Steps, Worker
from tts.synthesizer import SpeechOptions
from tts.voices import save_voice

TEXT = "Hello there. The kettle is on! Would you like some tea?"
ANNA, BOB = Client("1.1.1.1", "anna"), Client("2.2.2.2", "bob")


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpeechService]:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr("tts.folders.SHIPPED_VOICES", tmp_path / "shipped")
    save_voice(tiny_voice())
    service = SpeechService(tiny_synthesizer())
    yield service
    service.close()


def test_hosts_take_turns_and_clients_within_a_host():
    queue: FairQueue[str] = FairQueue(20, 10)
    for number in range(3):
        queue.put(ANNA, f"anna {number}")
    queue.put(Client("1.1.1.1", "alice"), "alice")
    queue.put(BOB, "bob 0")
    queue.put(BOB, "bob 1")
    order = [queue.get() for _ in range(len(queue))]
    assert order == ["anna 0", "bob 0", "alice", "bob 1", "anna 1", "anna 2"]


def test_bounds_are_for_all_and_for_each():
    queue: FairQueue[int] = FairQueue(3, 2)
    assert queue.put(ANNA, 0) == 1
    queue.put(ANNA, 1)
    with pytest.raises(QueueFullError) as own:
        queue.put(ANNA, 2)
    assert not own.value.whole
    queue.put(BOB, 3)
    with pytest.raises(QueueFullError) as whole:
        queue.put(BOB, 4)
    assert whole.value.whole
    assert queue.remove(ANNA, 0)
    assert not queue.remove(ANNA, 0)
    queue.put(BOB, 4)
    queue.put_back(ANNA, 9)  # an unfinished job always finds room
    assert [queue.get() for _ in range(4)] == [9, 3, 1, 4]


def collect(worker: Worker, client: Client, start) -> tuple[Job, list]:
    events: list = []
    job = Job(client, start, events.append)
    worker.submit(job)
    return job, events


def test_jobs_take_turns_at_their_pauses():
    worker, order = Worker(Limits()), []
    gate = threading.Event()

    def blocked() -> Steps:
        gate.wait(10)
        yield "ready"

    def talk(name: str) -> Steps:
        for number in range(3):
            order.append(f"{name}{number}")
            yield number
            yield PAUSE

    collect(worker, Client("gate"), blocked)
    _, first = collect(worker, ANNA, lambda: talk("a"))
    _, second = collect(worker, BOB, lambda: talk("b"))
    gate.set()
    assert wait_until(lambda: END in first and END in second)
    assert order == ["a0", "b0", "a1", "b1", "a2", "b2"]
    worker.close()


def test_cancelling_ends_a_running_and_a_waiting_job():
    worker, closed = Worker(Limits()), []

    def endless() -> Steps:
        try:
            while True:
                yield 1
                yield PAUSE
        finally:
            closed.append(True)

    running, events = collect(worker, ANNA, endless)
    waiting, _ = collect(worker, BOB, endless)
    assert wait_until(lambda: len(events) > 3)
    worker.cancel(running)
    worker.cancel(waiting)
    assert wait_until(lambda: len(closed) == 2 and not worker.busy)
    assert worker.waiting == 0
    assert worker.call(ANNA, lambda: 5).result(10) == 5
    worker.close()


def test_a_failing_job_ends_alone():
    worker = Worker(Limits())

    def bad() -> Steps:
        yield 1
        raise ZeroDivisionError("inside")

    _, events = collect(worker, ANNA, bad)
    assert worker.call(BOB, lambda: "fine").result(10) == "fine"
    assert isinstance(events[-1], JobFailed)
    future = worker.call(BOB, lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        future.result(10)
    worker.close()


def test_nobody_can_break_the_worker_by_leaving():
    worker, gate = Worker(Limits()), threading.Event()
    running = worker.call(ANNA, lambda: gate.wait(10))
    assert wait_until(lambda: worker.busy)
    waiting = worker.call(BOB, lambda: 1)
    assert waiting.cancel()
    gate.set()
    assert running.result(10) is True

    def deaf(event: object) -> None:
        raise RuntimeError("nobody listens")

    worker.submit(Job(ANNA, iter_once, deaf))
    assert worker.call(BOB, lambda: 5).result(10) == 5
    worker.close()


def iter_once() -> Steps:
    yield 1


def test_closing_tells_those_who_wait():
    worker, gate = Worker(Limits()), threading.Event()

    def blocked() -> Steps:
        gate.wait(10)
        yield 1

    collect(worker, ANNA, blocked)
    assert wait_until(lambda: worker.busy)
    _, events = collect(worker, BOB, blocked)
    closing = threading.Thread(target=worker.close)
    closing.start()
    assert wait_until(lambda: bool(events))
    gate.set()
    closing.join(10)
    assert isinstance(events[0], JobFailed)


def test_speaking_in_steps_is_the_stream_sample_for_sample(service: SpeechService):
    options = SpeechOptions(voice="tiny", seed=2)
    events = list(speak(service.synthesizer, TEXT, options))
    chunks = list(service.synthesizer.stream(TEXT, options))
    sounds = [e for e in events if isinstance(e, Sound)]
    expected = np.concatenate([c.wav for c in chunks])
    assert np.array_equal(np.concatenate([s.wav for s in sounds]), expected)
    assert [e.piece for e in events if isinstance(e, PieceSent)] == [0, 1, 2]
    assert [s.gap for s in sounds].count(True) == 2
    started, spoken = events[0], events[-1]
    assert isinstance(started, Started)
    texts = ["Hello there.", "The kettle is on!", "Would you like some tea?"]
    assert [p.text for p in started.pieces] == texts
    assert isinstance(spoken, TextSpoken)
    assert spoken.frames == sum(c.frames for c in chunks)
    assert spoken.ttfa_ms > 0
    assert spoken.compute_s * 1000 >= spoken.ttfa_ms


def test_streams_in_turns_are_those_of_calls_alone(service: SpeechService):
    """Two users at once: each gets exactly what they would get alone."""

    async def both() -> list[np.ndarray]:
        tickets = [
            service.speak(client, TEXT, SpeechOptions(voice="tiny", seed=seed))
            for seed, client in enumerate((ANNA, BOB))
        ]
        return await asyncio.gather(*(joined(ticket) for ticket in tickets))

    async def joined(ticket) -> np.ndarray:
        parts = []
        while (event := await ticket.next()) is not END:
            assert not isinstance(event, JobFailed), event
            if isinstance(event, Sound):
                parts.append(event.wav)
        return np.concatenate(parts)

    for seed, wav in enumerate(asyncio.run(both())):
        options = SpeechOptions(voice="tiny", seed=seed)
        assert np.array_equal(wav, spoken_alone(service.synthesizer, TEXT, options))


def test_the_estimate_learns_and_costs_are_known_after_the_warm_up(service: SpeechService):
    assert service.rtf(2) is None
    service.warm_up().result(60)
    low, middle, high = service.rtf(1), service.rtf(2), service.rtf(4)
    assert low
    assert middle
    assert high
    assert min(low, high) <= middle <= max(low, high)
    started = next(iter(speak(service.synthesizer, TEXT, SpeechOptions(voice="tiny"))))
    assert service.estimate_frames(started) > 1


def test_the_shelf_forgets_the_oldest():
    def result(size: int) -> KeptResult:
        silence = np.zeros(0, "<i2")
        return KeptResult(24000, [KeptPiece("a", silence, np.zeros(size, "<i2"), "eos", 0)])

    shelf: TtlCache[KeptResult] = TtlCache(max_bytes=1000, max_age_s=100)
    names = [shelf.put(result(200)) for _ in range(4)]
    assert len(set(names)) == 4
    assert [shelf.get(name) is not None for name in names] == [False, False, True, True]
    assert shelf.nbytes <= 1000
    old: TtlCache[KeptResult] = TtlCache(max_bytes=1000, max_age_s=0)
    assert old.get(old.put(result(1))) is None


def test_settings_are_checked():
    assert parse_auth("anna:a:b") == ("anna", "a:b")
    for wrong in ("anna", ":x", "anna:", ""):
        with pytest.raises(ValueError, match="USER:PASS"):
            parse_auth(wrong)
    assert [is_loopback(h) for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "host")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="max_chars"):
        Limits(max_chars=0)
