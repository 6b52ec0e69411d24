"""Face: people. One file a group of commands; a command is a function named as typed.

Nothing is imported here before `main` runs: an interrupt in the first tenths of a second must not end in a traceback.
"""

import gc
import os
import signal
import sys
from types import FrameType
from typing import Any


def main() -> None:
    """The entry point of `cg` and `git-cg`."""
    own = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not so under nohup, or behind a shell's `&`
    if own:
        signal.signal(signal.SIGINT, _interrupted)
    _open_streams()
    gc.disable()  # nothing that is imported is garbage, and looking for some takes a tenth of the start-up
    from contextgraph.cli.edge import guarded
    from contextgraph.cli.program import build

    app = build(sys.argv[1:])
    gc.freeze()
    gc.enable()
    if own:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = guarded(lambda: app(standalone_mode=False))
    if own:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # everything is done and said
    sys.exit(code)


def _interrupted(number: int, frame: FrameType | None) -> None:
    os._exit(130)  # nothing has been begun, so there is nothing to undo


def _open_streams() -> None:
    """A stream that the caller closed becomes the null device; a character that the terminal's encoding lacks is spelled out."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        stream = getattr(sys, name)
        if stream is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def __getattr__(name: str) -> Any:
    """`contextgraph.cli.app`, made when it is asked for."""
    if name == "app":
        from contextgraph.cli.program import build

        return build()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
