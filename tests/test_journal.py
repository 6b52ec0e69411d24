"""The journal: what was acknowledged is there, whole, whatever happened to writer, disk or machine."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contextgraph import journal
from contextgraph.errors import Error
from contextgraph.event import encode
from contextgraph.journal import Journal

KEY = "a" * 40
AT = "2026-11-20T13:00:00.000Z"


def line(text: str, size: int = 0) -> bytes:
    return encode("recorded", AT, "Ann <a@b>", None, {"trace": {"summary": text}, "zz": "x" * size})


def test_entries_come_back_in_order_and_from_a_position_on(tmp_path: Path) -> None:
    ours = Journal(tmp_path / "journal")
    assert list(ours.entries()) == [] and ours.position() == ("", 0) and ours.segments() == []
    ours.append([(KEY, line("a")), ("b" * 64, line("b"))])
    start = ours.position()
    ours.append([(KEY, line("c"))])
    assert list(ours.entries()) == [(KEY, line("a")), ("b" * 64, line("b")), (KEY, line("c"))]
    assert list(ours.entries(start)) == [(KEY, line("c"))]
    assert list(ours.entries(keys={"b" * 64})) == [("b" * 64, line("b"))]
    assert list(ours.entries(ours.position())) == []


def test_segments_are_begun_when_one_is_full_and_read_across(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 2000)
    ours = Journal(tmp_path)
    lines = [line(str(number), 300) for number in range(20)]
    positions = []
    for each in lines:
        positions.append(ours.position())
        ours.append([(KEY, each)])
    assert len(ours.segments()) > 3
    for number, position in enumerate(positions):
        assert [event for _, event in ours.entries(position)] == lines[number:]


def test_a_position_that_is_gone_means_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 400)
    ours = Journal(tmp_path)
    for number in range(3):
        ours.append([(KEY, line(str(number), 400))])
    start = ours.position()
    for segment in ours.segments():
        segment.unlink()
    ours.append([(KEY, line("new"))])
    assert [event for _, event in ours.entries(start)] == [line("new")]
    assert [event for _, event in ours.entries(("000001", 10**6))] == [line("new")]


def test_a_line_that_went_to_a_segment_just_closed_is_written_to_the_last_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = Journal(tmp_path), Journal(tmp_path)
    ours.append([(KEY, line("first"))])
    seen: list[tuple[str, int]] = []
    begin = Journal._open

    def slowly(self: Journal) -> tuple[int, Path]:
        found = begin(self)
        if self is ours and not seen:  # between choosing the segment and writing to it, another process fills it and begins the next
            monkeypatch.setattr(journal, "SEGMENT", 10)
            other.append([(KEY, line("theirs"))])
            monkeypatch.setattr(journal, "SEGMENT", 1 << 20)
            seen.append(other.position())
        return found

    monkeypatch.setattr(Journal, "_open", slowly)
    ours.append([(KEY, line("ours"))])
    assert seen[0][0] == "000002"
    assert line("ours") in [event for _, event in ours.entries(seen[0])]


@pytest.mark.parametrize("half", [b"b" * 40 + b' {"at":"2026', b"b" * 40 + b' {"trace":{"a":{}', b"b" * 17, b"\0\0\0"])
def test_a_torn_line_is_passed_over_and_nothing_is_glued_to_it(tmp_path: Path, half: bytes) -> None:
    ours = Journal(tmp_path)
    ours.append([(KEY, line("before"))])
    whole = ours.position()
    with (tmp_path / "000001").open("ab") as file:
        file.write(half)
    assert ours.position() == whole, "a position never points into a line"
    assert list(ours.entries()) == [(KEY, line("before"))]
    ours.append([(KEY, line("after"))])
    assert list(ours.entries()) == [(KEY, line("before")), (KEY, line("after"))]
    assert list(ours.entries(whole)) == [(KEY, line("after"))]


@pytest.mark.parametrize(
    "rubbish",
    [
        b'x {"a":1}\n',
        b"a" * 39 + b' {"a":1}\n',
        b"../../etc/passwd".ljust(40, b"x") + b' {"a":1}\n',
        b"a" * 40 + b" {]}\n",
        b"\n \n",
        b"\xff\n",
    ],
)
def test_what_is_no_entry_is_passed_over(tmp_path: Path, rubbish: bytes) -> None:
    ours = Journal(tmp_path)
    (tmp_path / "000001").write_bytes(rubbish)
    (tmp_path / "README").write_text("not a segment")
    ours.append([(KEY, line("a"))])
    assert list(ours.entries()) == [(KEY, line("a"))]


def test_a_disk_that_is_full_is_one_sentence_and_tears_nothing_of_the_others(tmp_path: Path) -> None:
    """A file-size limit makes the kernel write only a part, as a full disk does."""
    ours = Journal(tmp_path)
    ours.append([(KEY, line("before"))])
    room = (tmp_path / "000001").stat().st_size + 100
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        for _ in range(2):  # the first write is cut short, the second refused
            with pytest.raises(Error, match="cannot be written") as caught:
                ours.append([(KEY, line("lost", 500))])
            assert caught.value.hint == "free some space and repeat the command"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "000001").stat().st_size == room
    assert list(ours.entries()) == [(KEY, line("before"))]
    ours.append([(KEY, line("after"))])
    assert list(ours.entries()) == [(KEY, line("before")), (KEY, line("after"))]


def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the directory should be")
    with pytest.raises(Error, match="cannot be written: File exists") as caught:
        Journal(tmp_path / "journal").append([(KEY, line("a"))])
    assert "must be writable" in (caught.value.hint or "")


WRITER = """
import os, sys
from pathlib import Path
from contextgraph import journal
from contextgraph.event import encode
journal.SEGMENT = 20_000
ours = journal.Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    size = 20_000 if number % 50 == 0 else 200
    event = encode("recorded", "2026-11-20T13:00:00.000Z", sys.argv[2], None, {"n": number, "zz": "x" * size})
    ours.append([("a" * 40, event)])
    os.write(1, f"{number}\\n".encode())
"""


def writer(directory: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(directory), name, str(count)], stdout=subprocess.PIPE)


def test_four_writers_lose_nothing_and_tear_nothing(tmp_path: Path) -> None:
    count = 150
    writers = [writer(tmp_path, name, count) for name in "wxyz"]
    ours, seen, position = Journal(tmp_path), set(), ("", 0)
    while any(each.poll() is None for each in writers):  # a reader that follows by positions, as the store does
        end = ours.position()
        seen |= {event for _, event in ours.entries(position)}
        position = end
    seen |= {event for _, event in ours.entries(position)}
    assert all(each.wait() == 0 for each in writers)
    for each in writers:
        assert each.stdout
        each.stdout.close()
    everything = [event for _, event in ours.entries()]
    assert len(set(everything)) == 4 * count and seen == set(everything)
    assert len(ours.segments()) > 4


def test_a_writer_killed_at_any_moment_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    kills = int(os.environ.get("CG_TEST_KILLS", "6"))
    for attempt in range(kills):
        process = writer(tmp_path / str(attempt), "w", 10_000)
        assert process.stdout and process.stdout.readline() == b"0\n"
        time.sleep(0.013 * attempt)
        process.send_signal(signal.SIGKILL)
        acknowledged = process.stdout.read().decode().split("\n")[:-1]
        process.wait()
        process.stdout.close()
        ours = Journal(tmp_path / str(attempt))
        there = {event for _, event in ours.entries()}
        assert len(there) >= len(acknowledged) + 1
        ours.append([(KEY, line("after"))])
        assert {event for _, event in ours.entries()} == there | {line("after")}
