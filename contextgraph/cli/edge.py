"""The one error edge: every exception becomes an exit code of CONTRACT and, where people can act, a sentence."""

import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import typer

from contextgraph.errors import Error
from contextgraph.ui import Terminal


def guarded(run: Callable[[], int | None]) -> int:
    """Run the program and return its exit code.

    `run` returns the exit code that a command ended with: click hands `typer.Exit` back as a value.
    """
    try:
        return _flushed(run() or 0)
    except typer.Exit as done:
        return _flushed(done.exit_code)
    except Error as error:
        return _refused(error.message, error.hint, error.code)
    except SystemExit as done:  # click's way to say that the reader of a help page went away, and that a completion is out
        return closed() if type(sys.stdout).__name__.endswith("PacifyFlushWrapper") else int(done.code or 0)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough
        return 130
    except BrokenPipeError:
        return closed()
    except Exception as error:
        return _foreign(error)


def _foreign(error: Exception) -> int:
    """An exception that is not ours: click's own for usage, the disk's, or a bug."""
    import sqlite3

    import click

    if isinstance(error, click.exceptions.Abort):
        return 130
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx:
        Terminal().err.print(error.ctx.get_help(), soft_wrap=True)
        return 2
    if isinstance(error, click.UsageError):
        where = f"see `{error.ctx.command_path} --help`" if error.ctx else "see `cg --help`"
        once = re.sub(r"( Did you mean [^?]*\?)\1", r"\1", error.format_message())  # typer says it, and newer clicks as well
        return _refused(once, where, 2)
    if isinstance(error, click.ClickException):
        return _refused(error.format_message(), None, 2)
    if isinstance(error, OSError) and error.errno in (28, 30, 13, 122):
        return _refused(f"{error.filename or 'a file'} cannot be written: {error.strerror}", "nothing that was recorded is lost", 2)
    if isinstance(error, sqlite3.DatabaseError):
        return _refused(f"the index cannot be used: {error}", "`cg refresh --rebuild` makes it again from git and the notes", 2)
    return _bug(error)


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return closed()
    return code


def closed() -> int:
    """The reader went away (`cg log | head`): that is an answer taken, and the interpreter must not complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _refused(message: str, hint: str | None, code: int) -> int:
    if os.environ.get("CG_DEBUG") == "1":
        traceback.print_exc()
    with suppress(BrokenPipeError):  # whoever asked is gone; the exit code still says it
        Terminal().error(message.replace("\n", "\\n"), hint)  # one sentence, one line, whatever a path holds
    return code


def _bug(error: Exception) -> int:
    """A defect of ours: one line, and a report that can be sent."""
    if os.environ.get("CG_DEBUG") == "1":
        traceback.print_exc()
        return 70
    import tempfile

    report = Path(tempfile.gettempdir()) / f"contextgraph-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    with suppress(OSError):
        report.write_text(f"cg {' '.join(sys.argv[1:])}\n{sys.version}\n\n{traceback.format_exc()}", encoding="utf-8", errors="replace")
    Terminal().error(f"a defect of contextgraph: {type(error).__name__}: {error}", f"the report is in {report}")
    return 70
