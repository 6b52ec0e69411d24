"""The terminal: where answers and everything else go, colours, the pager, and text of others made inert."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console, RenderableType
from rich.text import Text

# C0 and C1 controls (escapes among them) and the bidirectional overrides: in somebody else's text they are shown, not obeyed.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def inert(text: str) -> str:
    """The text with every control character and bidirectional override spelled out, such as \\x1b."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


UNBOUNDED = 10_000
"""Columns where no terminal sets them: what is piped is never wrapped or cut."""


class Terminal:
    """Answers go to stdout, everything else to stderr. `color` is auto, always or never."""

    def __init__(self, color: str = "auto", quiet: bool = False, verbose: bool = False, pager: bool = True) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.pager = pager
        self.color = color
        self.out = _console(color, stderr=False)
        self._err: Console | None = None

    @property
    def err(self) -> Console:
        if self._err is None:
            self._err = _console(self.color, stderr=True)
        return self._err

    def show(self, answer: RenderableType) -> None:
        """Print an answer; through the pager when it is longer than the screen and stdout is a terminal."""
        with self.out.capture() as captured:
            self.out.print(answer)
        text = "\n".join(line.rstrip(" ") for line in captured.get().split("\n"))
        fits = not (self.pager and self.out.is_terminal and sys.stdin.isatty()) or text.count("\n") < self.out.height - 1
        if fits or not page(text):
            self.out.file.write(text)

    def json(self, data: bytes) -> None:
        sys.stdout.buffer.write(data + b"\n")
        sys.stdout.buffer.flush()

    def say(self, text: str) -> None:
        """A line of news on stderr; not with -q."""
        if not self.quiet:
            self.err.print(Text(inert(text)), soft_wrap=True)

    def warn(self, text: str) -> None:
        self.err.print(Text.assemble(("warning: ", "yellow"), inert(text)), soft_wrap=True)

    def error(self, message: str, hint: str | None) -> None:
        self.err.print(Text.assemble(("error: ", "bold red"), inert(message)), soft_wrap=True)
        if hint:
            self.err.print(Text.assemble(("hint: ", "cyan"), inert(hint)), soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, int, int | None], None]]:
        """A bar a phase, on stderr, when that is a terminal; else nothing. Called with (phase, done, total or None)."""
        if self.quiet or not self.err.is_terminal:
            yield lambda phase, done, total: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

        tasks: dict[str, TaskID] = {}
        with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=self.err, transient=True) as bars:

            def tick(phase: str, done: int, total: int | None) -> None:
                if phase not in tasks:
                    tasks[phase] = bars.add_task(phase, total=total)
                bars.update(tasks[phase], completed=done, total=total)

            yield tick


def page(text: str) -> bool:
    """Show the text in the user's pager (GIT_PAGER, PAGER, less). False when there is none to run."""
    command = os.environ.get("GIT_PAGER") or os.environ.get("PAGER") or "less"
    if command == "cat":
        return False
    try:
        process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, env={"LESS": "FRX", **os.environ})
    except (OSError, ValueError):
        return False
    with suppress(BrokenPipeError):  # the reader has seen enough
        process.communicate(text.encode("utf-8", "replace"))
    return True


def _console(color: str, stderr: bool) -> Console:
    force = {"always": True, "never": None}.get(color)
    no_color = color == "never" or (color == "auto" and bool(os.environ.get("NO_COLOR")))
    stream = sys.stderr if stderr else sys.stdout
    console = Console(
        width=None if stream.isatty() else UNBOUNDED,
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        no_color=no_color,
        color_system="standard" if force else "auto",
    )
    if force:
        console._force_terminal = None
    return console
