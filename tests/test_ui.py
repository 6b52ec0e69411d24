"""The terminal: what is shown only when it takes long, and text of strangers."""

import io
import os
import pty
import re
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextgraph import ui
from contextgraph.ui import Terminal, counted, inert
from tests.conftest import Repo
from tests.test_cli_common import on_a_terminal


def on_stderr(monkeypatch: pytest.MonkeyPatch, seconds: float, terminal: bool = True, quiet: bool = False) -> str:
    """What a progress of that many seconds writes to stderr."""
    master, slave = pty.openpty()
    with open(slave, "w", closefd=False) as stream:
        monkeypatch.setattr(sys, "stderr", stream if terminal else io.StringIO())
        with Terminal(quiet=quiet).progress() as tick:
            end = time.monotonic() + seconds
            while True:
                tick("reading", 3, 10)
                if time.monotonic() >= end:
                    break
                time.sleep(0.05)
        stream.write(".")  # so that there is something to read
        stream.flush()
        monkeypatch.undo()
    os.close(slave)
    written = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        written += piece
        if not piece or piece.endswith(b"."):
            break
    os.close(master)
    return written.decode().removesuffix(".")


def test_nothing_is_written_when_nothing_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_stderr(monkeypatch, 0.0) == ""


def test_a_bar_is_shown_when_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    text = on_stderr(monkeypatch, ui.PATIENCE + 0.3)
    assert "reading" in text and "3/10" in text
    assert on_stderr(monkeypatch, ui.PATIENCE + 0.3, quiet=True) == ""


def test_no_bar_into_a_pipe_whatever_forces_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert on_stderr(monkeypatch, ui.PATIENCE + 0.2, terminal=False) == ""


def test_a_quick_command_writes_no_escapes_to_stderr(graphed: Repo) -> None:
    done = graphed.cg("log", FORCE_COLOR="1")
    assert "\x1b" not in done.stderr
    assert "\x1b[?25" not in on_a_terminal(graphed, "log", columns=80)


def test_counted() -> None:
    assert [counted(number, "commit") for number in (0, 1, 2, 23811)] == ["0 commits", "1 commit", "2 commits", "23,811 commits"]


@given(st.text())
def test_no_control_character_gets_through(text: str) -> None:
    shown = inert(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_line_ends_of_windows_are_line_ends() -> None:
    assert inert("a\r\nb\r\n\r\nc\r") == "a\nb\n\nc"
    assert inert("progress\r100 %") == "progress\\r100 %"
