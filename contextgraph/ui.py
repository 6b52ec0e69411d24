"""The terminal: where answers and everything else go, colours, the pager, and text of others made inert."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

# C0 and C1 controls (escapes among them) and the bidirectional overrides: in somebody else's text they are shown, not obeyed.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_LINE_END = re.compile(r"\r+(?=\n|\Z)")


def inert(text: str) -> str:
    """The text with every control character and bidirectional override spelled out, such as \\x1b. What ends a line of a
    message written on Windows (CR before LF) is a line's end here."""
    text = _LINE_END.sub("", text) if "\r" in text else text
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escaped(json: str) -> str:
    """The same JSON with what a terminal would obey as escapes: encoders write C1 controls and overrides as they are."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", json)


def counted(number: int, noun: str) -> str:
    """`1 commit`, `23,811 commits`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class Facts:
    """Facts in a row, ` · ` between them; a line ends between two of them, and inside one only where it is longer than a line."""

    def __init__(self, facts: Sequence[str]) -> None:
        self.facts = facts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines: list[str] = []
        for fact in self.facts:
            if lines and cell_len(lines[-1]) + 3 + cell_len(fact) <= options.max_width:
                lines[-1] += f" · {fact}"
            else:
                lines.append(fact)
        yield Text("\n".join(lines), style="dim")


class InertConsole(Console):
    """The last net: whatever a rendering forgot to make inert is made so before it is written. Styles are not text, and stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(inert(segment.text), segment.style)


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
        sys.stdout.buffer.write(escaped(data.decode()).encode() + b"\n")
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
        """A bar a phase, on stderr, when that is a terminal and it takes long; else nothing. Called with (phase, done, total or None).

        Nothing is written, not even an escape that hides the cursor, before the first call after PATIENCE seconds.
        """
        if self.quiet or not sys.stderr.isatty():
            yield lambda phase, done, total: None
            return
        begun = time.monotonic()
        bars: list[Bars] = []
        with ExitStack() as shown:

            def tick(phase: str, done: int, total: int | None) -> None:
                if not bars and time.monotonic() - begun >= PATIENCE:
                    bars.append(Bars(self.err, shown))
                for each in bars:
                    each.tick(phase, done, total)

            yield tick


PATIENCE = 0.3
"""Seconds that something may take before a bar is shown."""


class Bars:
    """A bar a phase, from its first tick until the end of what is shown."""

    def __init__(self, console: Console, shown: ExitStack) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self.progress = shown.enter_context(Progress(*columns, console=console, transient=True))
        self.tasks: dict[str, TaskID] = {}

    def tick(self, phase: str, done: int, total: int | None) -> None:
        if phase not in self.tasks:
            self.tasks[phase] = self.progress.add_task(phase, total=total)
        self.progress.update(self.tasks[phase], completed=done, total=total)


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
    console = InertConsole(
        width=None if stream.isatty() else UNBOUNDED,
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        no_color=no_color,
        color_system="standard" if force else None if color == "never" else "auto",  # never: no bold and no dim either
    )
    if force:
        console._force_terminal = None
    return console
