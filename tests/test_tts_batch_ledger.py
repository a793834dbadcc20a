"""Ledger, keys, plan, store, listings: what a run remembers, without a model."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tokenizer.files import OutputError
from tts.batch.ledger import Entry, Ledger, read_ledgers, stale_paths
from tts.batch.listings import make_listings
from tts.batch.plan import (
    Item,
    Settings,
    is_intact,
    make_items,
    make_plan,
    output_path,
    share,
)
from tts.batch.progress import Progress, clock
from tts.batch.rows import Row
from tts.batch.run import Worker, this_worker
from tts.batch.sources import Digests, SourceError, joined_digest
from tts.batch.store import PlaceError, Store

SETTINGS = Settings(model="m", codec="c")


def entry(name: str, key: str = "k", **more: object) -> Entry:
    return Entry(**{"id": name, "key": key, "status": "done", **more})  # type: ignore[arg-type]


def item(name: str, key: str = "k", text: str = "a") -> Item:
    return Item(Row(1, name, text), key, "", f"wavs/{name}.wav")


def items_of(folder: Path, *rows: Row, settings: Settings = SETTINGS) -> list[Item]:
    items, faults = make_items(list(rows), settings, Digests(folder / "digests.json"))
    assert faults == []
    return items


def test_entries_come_back(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    first = entry("a", path="wavs/a.wav", bytes=5, seconds=1.5, at=1.0)
    second = entry("b", status="failed", reason="ärger", lasting=True, at=2.0)
    ledger.append([first, second])
    ledger.append([])
    ledger.close()
    assert read_ledgers(tmp_path) == {"a": first, "b": second}
    again = Ledger(path)
    third = replace(first, key="other", at=3.0)
    again.append([third])
    again.close()
    assert read_ledgers(tmp_path)["a"] == third
    assert len(path.read_text().splitlines()) == 3


TORN = [b"{", b'{"id": "b", "key"', b"\xff\xfe", b'{"id": "b"}', b"x" * 70_000]


@pytest.mark.parametrize("torn", TORN, ids=range(len(TORN)))
def test_torn_last_line_counts_for_nothing_and_is_cut(tmp_path, torn):
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.append([entry("a")])
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert list(read_ledgers(tmp_path)) == ["a"]
    ledger = Ledger(path)
    ledger.append([entry("b")])
    ledger.close()
    assert list(read_ledgers(tmp_path)) == ["a", "b"]
    assert path.read_bytes().startswith(whole + b'{"id": "b"')


def test_ledger_that_was_torn_at_its_only_line(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"id": "a"')
    Ledger(path).close()
    assert path.read_bytes() == b""


def test_lines_of_strangers_are_passed_over(tmp_path):
    newer = '{"id": "c", "key": "k", "status": "done", "not_known_yet": 1}'
    (tmp_path / "ledger.jsonl").write_text(f'[1]\n{{"id": "a"}}\n\n{newer}\n')
    assert list(read_ledgers(tmp_path)) == ["c"]


def test_the_latest_of_several_ledgers_counts(tmp_path):
    for rank, at in ((0, 5.0), (1, 9.0), (2, 7.0)):
        name = "ledger.jsonl" if rank == 0 else f"ledger-{rank:05d}.jsonl"
        ledger = Ledger(tmp_path / name)
        ledger.append([entry("a", key=f"k{rank}", at=at)])
        ledger.close()
    assert read_ledgers(tmp_path)["a"].key == "k1"


def test_ledger_on_a_full_disk_says_so(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.file.close()
    ledger.file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115
    with pytest.raises(OutputError, match="No space left"):
        ledger.append([entry("a")])
    ledger.close()


CHANGES = [
    {"text": "b"},
    {"voice": "heart"},
    {"lang": "en"},
    {"seed": 1},
    {"format": "flac"},
    {"num_codebooks": 3},
    {"sampling": (("top_p", 0.5),)},
    {"check": False},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: next(iter(c)))
def test_a_changed_row_has_another_key(tmp_path, change):
    row = Row(1, "x", "a", voice="michael", check=True)
    before, after = items_of(tmp_path, row, replace(row, **change))
    assert before.key != after.key


def test_line_and_id_are_no_part_of_the_key(tmp_path):
    row = Row(1, "x", "a", voice="michael", check=True)
    before, after = items_of(tmp_path, row, replace(row, line=9, id="y"))
    assert before.key == after.key


# `sampling` goes in row by row: see test_tts_batch_packing.py. How it reads, `model` tells.
@pytest.mark.parametrize(
    "name", sorted(set(Settings.__slots__) - {"shards", "sampling", "prompt_rule"})
)
def test_settings_are_part_of_the_key(tmp_path, name):
    row = Row(1, "x", "a", voice="michael", check=True)
    value = getattr(SETTINGS, name)
    if name in (others := {"cast": (("ALICE", "michael"),), "ssml": False}):
        other = others[name]
    elif isinstance(value, str):
        other = f"{value}2"
    else:
        other = not value if value in (0, 1) else value + 1
    changed = replace(SETTINGS, **{name: other})
    assert items_of(tmp_path, row)[0].key != items_of(tmp_path, row, settings=changed)[0].key


def test_plan_tells_what_is_to_be_done():
    items = [item(name) for name in ("new", "done", "lost", "bad", "again")]
    items.append(item("changed", "k2"))
    ledger = {
        "done": entry("done"),
        "changed": entry("changed", "k1"),
        "lost": entry("lost"),
        "bad": entry("bad", status="failed", lasting=True),
        "again": entry("again", status="failed"),
        "gone": entry("gone"),
    }
    plan = make_plan(items, ledger, lambda e: e.id != "lost")
    assert {i.row.id for i in plan.todo} == {"new", "changed", "lost", "again"}
    assert (plan.done, plan.failed, plan.changed, plan.lost) == ({"done"}, {"bad"}, 1, 1)
    assert plan.removed == ["gone"]
    retried = make_plan(items, ledger, lambda e: True, retry_failed=True)
    assert {i.row.id for i in retried.todo} == {"new", "changed", "bad", "again"}


def test_the_longest_come_first():
    items = [item("a", text="aaa"), item("b", text="好好"), item("c", text="a" * 9)]
    plan = make_plan(items, {}, lambda e: True)
    assert [i.row.id for i in plan.todo] == ["c", "b", "a"]


def test_shares_are_disjoint_and_do_not_depend_on_the_ledger():
    items = [item(f"i{n}", text="a" * (n % 7 + 1)) for n in range(50)]
    fresh = make_plan(items, {}, lambda e: True)
    late = make_plan(items, {f"i{n}": entry(f"i{n}") for n in range(20)}, lambda e: True)
    shares = [{i.row.id for i in share(fresh, rank, 3).todo} for rank in range(3)]
    assert sum(len(s) for s in shares) == 50
    assert set.union(*shares) == {i.row.id for i in items}
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    for rank in range(3):
        left = {i.row.id for i in share(late, rank, 3).todo}
        assert left == shares[rank] - {f"i{n}" for n in range(20)}


def test_intact_means_there_as_written(tmp_path):
    store = Store(tmp_path)
    changed = store.put("wavs/a.wav", b"sound")
    store.close()
    digest = Digests(tmp_path / "d.json").of(tmp_path / "wavs/a.wav")
    good = entry("a", path="wavs/a.wav", bytes=5, mtime_ns=changed, sha256=digest)
    assert is_intact(tmp_path, good)
    assert is_intact(tmp_path, good, thorough=True)
    assert not is_intact(tmp_path, replace(good, bytes=6))
    assert not is_intact(tmp_path, replace(good, path="wavs/b.wav"))
    # Another time of change, as after copying: then the contents decide.
    os.utime(tmp_path / "wavs/a.wav", (1, 1))
    assert is_intact(tmp_path, good)
    (tmp_path / "wavs/a.wav").write_bytes(b"noise")
    assert not is_intact(tmp_path, good)


def test_digests_are_remembered_until_the_file_changes(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"one")
    digests = Digests(tmp_path / "d.json")
    first = digests.of(file)
    (tmp_path / "d.json").write_bytes(digests.as_bytes())
    facts = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    kept = Digests(tmp_path / "d.json")
    assert kept.of(file) == first  # same size and time: it was not read
    os.utime(file, ns=(0, 0))
    assert kept.of(file) != first
    with pytest.raises(SourceError, match="absent"):
        kept.of(tmp_path / "absent")
    (tmp_path / "d.json").write_text("torn{")
    assert Digests(tmp_path / "d.json").known == {}
    assert joined_digest(["a", "b"]) != joined_digest(["ab"])


def test_outputs_are_spread_over_shards(tmp_path):
    settings = replace(SETTINGS, shards=16)
    paths = [output_path(Row(1, f"i{n}", "a"), settings) for n in range(200)]
    folders = {path.split("/")[1] for path in paths}
    assert folders == {f"{n:02d}" for n in range(16)}
    codes = replace(SETTINGS, codes_only=True)
    assert output_path(Row(1, "i", "a"), codes) == "codes/i.safetensors"


def test_store_sweeps_what_killed_processes_left(tmp_path):
    for rank in (0, 3):
        left = tmp_path / ".cat-tts" / f"tmp-{rank}"
        left.mkdir(parents=True)
        (left / "half").write_bytes(b"x")
    other = Store(tmp_path, rank=5)
    (other.temporary / "busy").write_bytes(b"x")
    store = Store(tmp_path)
    places = {path.name for path in (tmp_path / ".cat-tts").glob("tmp-*")}
    assert places == {"tmp-0", "tmp-5"}
    assert list(store.temporary.iterdir()) == []
    assert (other.temporary / "busy").exists()
    with pytest.raises(PlaceError, match="another run is at work"):
        Store(tmp_path)
    store.close()
    other.close()
    Store(tmp_path).close()
    assert list((tmp_path / ".cat-tts").glob("tmp-*")) == []


def test_a_replaced_output_of_another_name_is_stale(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    (tmp_path / "wavs").mkdir()
    for name in ("a.wav", "a.flac", "b.wav"):
        (tmp_path / "wavs" / name).write_bytes(b"x")
        ledger.append([entry(name[0], path=f"wavs/{name}")])
    ledger.close()
    assert stale_paths(tmp_path, {"a": "wavs/a.flac"}) == ["wavs/a.wav"]
    assert stale_paths(tmp_path, {"a": "wavs/a.wav", "b": "wavs/b.wav"}) == ["wavs/a.flac"]


def test_listings():
    items = [
        Item(Row(1, "b", "One | two\nthree.", voice="heart"), "k", "", "wavs/b.wav"),
        Item(Row(2, "a", "Four."), "k", "abcdef0123456789", "wavs/a.flac"),
        Item(Row(3, "c", "Five."), "k", "", "wavs/c.wav"),
        Item(Row(4, "d", "Six."), "new", "", "wavs/d.wav"),
    ]
    ledger = {name: entry(name) for name in "abd"} | {"c": entry("c", status="failed")}
    files = {k: v.decode() for k, v in make_listings(items, ledger, ("ljspeech", "kaldi")).items()}
    assert files == {
        "metadata.csv": "b|One two three.|One two three.\na|Four.|Four.\n",
        "kaldi/wav.scp": "a wavs/a.flac\nb wavs/b.wav\n",
        "kaldi/text": "a Four.\nb One two three.\n",
        "kaldi/utt2spk": "a prompt-abcdef012345\nb heart\n",
        "kaldi/spk2utt": "heart b\nprompt-abcdef012345 a\n",
    }
    assert make_listings(items, ledger, ()) == {}


def test_worker_by_environment():
    assert this_worker({}) == Worker()
    assert this_worker({"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}) == Worker(1, 4, 1)
    assert Worker(3, 4, 1).device("cuda") == "cuda:1"
    assert Worker(3, 4, 1).device("cuda:0") == "cuda:0"
    assert Worker().device("cuda") == "cuda"
    for rank in ("4", "-1", "x"):
        with pytest.raises(ValueError, match="RANK"):
            this_worker({"RANK": rank, "WORLD_SIZE": "4"})


def test_progress_counts():
    progress = Progress(3, 100)
    assert progress.left_s is None
    assert "0/3 items" in progress.line()
    progress.begun -= 10
    progress.add(entry("a", seconds=5.0), 25)
    progress.add(entry("b", status="failed"), 25)
    assert progress.left_s == pytest.approx(10, abs=0.5)
    assert progress.rtf == pytest.approx(2, abs=0.1)
    assert "2/3 items" in progress.line()
    assert "1 failed" in progress.line()
    assert clock(3725) == "1:02:05"


def test_ledger_lines_are_short(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append([entry("a")])
    ledger.close()
    assert json.loads((tmp_path / "ledger.jsonl").read_text()) == {
        "id": "a",
        "key": "k",
        "status": "done",
    }
