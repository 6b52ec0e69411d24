"""The spool: nothing that a hook wrote is lost, and nothing strange stops the rest."""

import os
import threading
from pathlib import Path

import pytest

from contextgraph.capture import spool

A, B, C = "a" * 40, "b" * 40, "c" * 64


def test_every_kind_of_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SETTLED", -1.0)
    lines = [
        f"commit {A} main refs/heads/-x", f"commit {C} worktree-w ", f"pair amend {A} {B}", "merge", f"skip {B}", f"skip {A} merge",
        "", "   ", "nonsense", f"commit {A[:39]} main refs/heads/x", f"commit {A.upper()} main refs/heads/x", f"pair re-base {A} {B}",
    ]  # fmt: skip
    (tmp_path / "spool").write_bytes("\n".join(lines).encode() + b"\n" + b"commit " + A.encode())
    drained = spool.drain(tmp_path)
    assert drained.commits == {A: "-x", C: ""}
    assert drained.pairs == [("amend", A, B)]
    assert drained.skipped == {B: "commit", A: "merge"}
    assert len(drained.unread) == 5, "a torn line at the end among them"
    spool.finish(tmp_path, drained)
    assert not spool.waiting(tmp_path)
    assert (tmp_path / "unread").read_text().count("\n") == 5


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "spool").write_bytes(b"\xff\x00\n" + f"commit {A} main refs/heads/caf\xe9\n".encode("latin-1"))
    assert list(spool.drain(tmp_path).commits) == [A]


def test_a_crash_before_the_end_only_repeats(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text(f"commit {A} main refs/heads/main\n")
    spool.drain(tmp_path)  # and then the machine stops
    (tmp_path / "spool").write_text(f"commit {B} main refs/heads/main\n")
    assert spool.waiting(tmp_path)
    again = spool.drain(tmp_path)
    assert set(again.commits) == {A, B}
    spool.finish(tmp_path, again)
    assert spool.drain(tmp_path).commits == {}


def test_a_hook_that_had_the_old_file_open(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text(f"commit {A} main refs/heads/main\n")
    late = os.open(tmp_path / "spool", os.O_WRONLY | os.O_APPEND)
    drained = spool.drain(tmp_path)
    os.write(late, f"commit {B} main refs/heads/main\n".encode())
    os.close(late)
    spool.finish(tmp_path, drained)
    assert set(spool.drain(tmp_path).commits) == {B}


def test_a_line_on_its_way_is_read_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spool").write_text(f"commit {A} main refs/heads/main\ncommit {B}")
    slow = os.open(tmp_path / "spool", os.O_WRONLY | os.O_APPEND)
    first = spool.drain(tmp_path)
    spool.finish(tmp_path, first)
    assert set(first.commits) == {A}
    os.write(slow, b" main refs/heads/main\n")
    os.close(slow)
    assert spool.waiting(tmp_path)
    second = spool.drain(tmp_path)
    assert (set(second.commits), second.unread) == ({B}, [])
    spool.finish(tmp_path, second)
    assert not spool.waiting(tmp_path)
    monkeypatch.setattr(spool, "SETTLED", -1.0)
    spool.finish(tmp_path, spool.drain(tmp_path))
    assert list(tmp_path.iterdir()) == [], "the piece is deleted by a later drain"


def test_no_line_is_lost_while_hooks_write(tmp_path: Path) -> None:
    def write(worker: int) -> None:
        for number in range(300):
            with (tmp_path / "spool").open("a") as file:  # open, write, close: as sh does
                file.write(f"commit {worker:02d}{number:038d} main refs/heads/main\n")

    writers = [threading.Thread(target=write, args=(each,)) for each in range(4)]
    for each in writers:
        each.start()
    found: set[str] = set()
    while any(each.is_alive() for each in writers) or spool.waiting(tmp_path):
        drained = spool.drain(tmp_path)
        found |= drained.commits.keys()
        spool.finish(tmp_path, drained)
    assert len(found) == 1200
